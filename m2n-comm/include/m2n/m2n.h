/*
 * m2n.h: moving token rows between M senders and N receivers, behind a C ABI.
 *
 * A sender is an attention node, a receiver an expert node; the library knows neither tensors nor models: rows are
 * bytes, groups have keys (expert ids), messages have tags (layers) and versions (weights).
 *
 * Memory. Each connected pair shares one region with `slots` numbered slots, registered when they connect and never
 * again. A slot has a dispatch part, which the sender writes and the receiver reads, and a result part the other way
 * round. Rows are produced in place: the views below are addresses inside the peer's slot where memory is shared, so a
 * kernel writes there directly and nothing is staged. Only the two peers map a pair's region; each endpoint also has
 * one small doorbell region that its peers may ring.
 *
 * A slot's life:   free -> open (sender writes) -> dispatched -> received -> returned -> combined -> free
 *
 * Completion counts arrived pieces per slot; it never relies on the order of writes. Values in shared memory are read
 * once into private memory and checked there before use; a piece that fails a check is answered M2N_INVALID and never
 * shown to the receiver's caller.
 *
 * Waiting: a short pause-spin, then sched_yield, then sleep on a futex. Every wait has a bound. Nobody waits for a peer
 * it sent nothing.
 *
 * Threads: an endpoint belongs to one thread at a time, except m2n_wake, which any thread may call.
 */
#ifndef M2N_H
#define M2N_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define M2N_ABI_VERSION 5u
#define M2N_API __attribute__((visibility("default")))
#define M2N_ADDRESS_BYTES 256 /* an address fits */
#define M2N_SECRET_BYTES 16
#define M2N_INTERFACE_BYTES 16

typedef enum {
  M2N_OK = 0,
  M2N_PENDING = 1,    /* not yet; the wait's bound passed, nothing is wrong */
  M2N_WOKEN = 2,      /* m2n_wake ended the wait */
  M2N_INVALID = -1,   /* an argument or a peer's message is out of contract */
  M2N_PEER_LOST = -2, /* the peer died, left, or its region is gone */
  M2N_TIMEOUT = -3,   /* the ticket's deadline passed */
  M2N_INTERNAL = -4,
  M2N_VERSION_MISSING = -5, /* the receiver does not hold the weight version */
  M2N_MISPLACED = -6,       /* the receiver does not hold a group's key */
  M2N_REFUSED = -7          /* wrong secret, sizes or ABI at connect, or no room for another peer */
} m2n_status;

typedef enum {
  M2N_LOOPBACK = 0, /* endpoints of one process */
  M2N_SHM = 1,      /* processes of one host */
  M2N_UCX = 2,      /* between hosts, over UCX, which is loaded when this is asked for */
  M2N_AUTO = 3,     /* M2N_SHM with peers of this host, M2N_TCP with others; each pair by itself */
  M2N_TCP = 4,      /* between hosts, over plain TCP sockets; needs no library */
  M2N_AUTO_UCX = 5  /* as M2N_AUTO, with M2N_UCX between hosts */
} m2n_transport;
typedef enum { M2N_SENDER = 0, M2N_RECEIVER = 1 } m2n_role;

typedef struct m2n_endpoint m2n_endpoint;
typedef uint64_t m2n_ticket; /* 0 is never a ticket */

/* Where the rows and results of pairs lie, if not in the pairs' regions: in memory of a GPU, say, that kernels of both
 * peers work in. The library hands out addresses in it and never reads or writes it, so publishing a row promises
 * nothing about it: a caller first waits for the kernel that wrote. M2N_LOOPBACK and M2N_SHM only; either both peers
 * have it or neither. Over M2N_SHM both are in one network namespace. */
typedef struct {
  void* user; /* for allocate, share and map; the calls come on the endpoint's thread, in m2n_connect and m2n_receive */
  /* On the sender's side, for each pair. NULL: there is none left, and the connection fails. */
  void* (*allocate)(void* user, uint64_t bytes);
  /* What allocate or map gave. M2N_LOOPBACK: once, when both peers have let go of the pair; M2N_SHM: on either side, when
   * that side has. On any thread, perhaps after this endpoint's close. */
  void (*release)(void* address);
  /* M2N_SHM, else NULL. On the sender's side: a descriptor, which the library closes, of what allocate gave, for another
   * process. -1: it cannot be shared, and the connection fails. */
  int (*share)(void* user, void* address);
  /* M2N_SHM, else NULL. On the receiver's side: the memory behind a sender's descriptor, which stays the library's, here.
   * The descriptor may be of anything: check that it has `bytes`. The memory must outlive the sender's process. NULL:
   * the connection is refused. */
  void* (*map)(void* user, int descriptor, uint64_t bytes);
} m2n_row_memory;

typedef struct {
  uint32_t struct_bytes; /* sizeof(m2n_config) */
  int32_t transport;
  int32_t role;
  uint32_t rank;      /* among endpoints of this role */
  uint32_t max_peers; /* 1..256 */
  uint32_t slots;     /* per pair, 1..16; equal on both sides of a pair */
  uint32_t max_rows;  /* per slot; equal on both sides, as are the next four */
  uint32_t max_pairs;
  uint32_t max_groups;
  uint32_t row_bytes;
  uint32_t result_bytes; /* of one pair's result row */
  uint32_t spin_us;      /* pause-spin budget; 0: default, 2, or 16 while nobody else wants the core */
  uint32_t yield_us; /* sched_yield budget after the spin; 0: default, from the running mean of this endpoint's waits,
                        at most 200 */
  uint32_t reserved;
  uint8_t secret[M2N_SECRET_BYTES]; /* equal across the cluster, carried over the control plane */
  char interface_name
      [M2N_INTERFACE_BYTES];        /* all but M2N_LOOPBACK and M2N_SHM: the one network interface that is used, such as
                                               "eth1". It must belong to a trusted network */
  const m2n_row_memory* row_memory; /* NULL: rows lie in the pairs' regions. Copied; `user` must live until the close */
} m2n_config;

M2N_API uint32_t m2n_abi_version(void);
M2N_API const char* m2n_last_error(void); /* this thread's text; valid until its next m2n call */

typedef enum {
  M2N_STRUCT_CONFIG = 0,
  M2N_STRUCT_GROUP = 1,
  M2N_STRUCT_SLOT_VIEW = 2,
  M2N_STRUCT_MESSAGE = 3,
  M2N_STRUCT_RESULT = 4,
  M2N_STRUCT_PIECE = 5,
  M2N_STRUCT_BATCH = 6,
  M2N_STRUCT_GATHER = 7,
  M2N_STRUCT_COUNTERS = 8,
  M2N_STRUCT_CAPABILITIES = 9
} m2n_struct;
/* The library's size of one of this header's structs, for bindings to compare with theirs at load; 0 for a number it
 * does not know. */
M2N_API uint32_t m2n_struct_bytes(int32_t which);

/* What a transport promises; the README has the same as a table. */
typedef struct {
  int32_t transport;
  uint32_t available;      /* 1: this process can open endpoints of it; if 0, m2n_last_error says why not */
  uint32_t across_process; /* 1: peers may be other processes */
  uint32_t across_host;    /* 1: and on other hosts */
  uint32_t in_place; /* 1: a view's addresses are the peer's memory; 0: a registered mirror of it, sent from there */
  uint32_t memory_kinds;    /* of rows, bits: 1 host memory; 2 what m2n_config.row_memory provides */
  uint32_t death_notice_us; /* a killed peer fails its tickets within about this; 0: only their deadlines do */
  uint32_t needs_interface; /* 1: m2n_config.interface_name must be set */
  char name[16];
} m2n_capabilities;
/* M2N_INVALID for a number that is no transport. */
M2N_API m2n_status m2n_transport_capabilities(int32_t transport, m2n_capabilities* out);

M2N_API m2n_status m2n_endpoint_open(const m2n_config* config, m2n_endpoint** out);
/* Fails open tickets, tells peers, unmaps. NULL is legal. */
M2N_API void m2n_endpoint_close(m2n_endpoint* endpoint);
/* Writes this endpoint's address (at most M2N_ADDRESS_BYTES), for peers to connect to. */
M2N_API m2n_status m2n_endpoint_address(m2n_endpoint*, uint8_t* out, uint32_t capacity, uint32_t* length);
/* Ends the current or next wait of this endpoint's owner in m2n_receive or m2n_combine with M2N_WOKEN; a connect goes
 * on and leaves the wake-up to the next of those. Any thread, any time until close. */
M2N_API void m2n_wake(m2n_endpoint*);

/* ---- sender ---- */

/* Connects to the receiver at `address`, which is known here as `peer` from now on. The receiver accepts inside its
 * m2n_receive. M2N_REFUSED: it said no, and m2n_last_error why. M2N_PEER_LOST: it is gone. M2N_TIMEOUT: it did not
 * answer within wait_us; nothing is left of the attempt. M2N_INVALID: these bytes are no address for this endpoint, or
 * `peer` is connected already. */
M2N_API m2n_status m2n_connect(m2n_endpoint*, uint32_t peer, const uint8_t* address, uint32_t length, uint32_t wait_us);
/* Drops the pair; open tickets' pieces for it end with M2N_PEER_LOST. A peer that is not connected is no error. */
M2N_API m2n_status m2n_disconnect(m2n_endpoint*, uint32_t peer);
/* M2N_OK or M2N_PEER_LOST, without waiting. */
M2N_API m2n_status m2n_peer_state(m2n_endpoint*, uint32_t peer);
/* The transport that carries the pair: M2N_LOOPBACK, M2N_SHM, M2N_UCX or M2N_TCP. M2N_PEER_LOST: not connected. */
M2N_API m2n_status m2n_peer_transport(m2n_endpoint*, uint32_t peer, int32_t* transport);

typedef struct {
  uint32_t key;   /* strictly ascending within a piece */
  uint32_t pairs; /* at least 1 */
} m2n_group;

/* Where to write a piece: addresses inside the peer's slot. */
typedef struct {
  void* rows;            /* [rows][row_bytes] */
  uint32_t* row_of_pair; /* [pairs]: index into rows; pairs are in group order */
  m2n_group* groups;     /* [groups] */
} m2n_slot_view;

/* Opens this slot's piece for one peer. A slot may have one piece for each of several peers; opening one again before
 * the dispatch replaces its counts. M2N_PEER_LOST: not connected. M2N_PENDING: the peer still holds an abandoned piece
 * of this slot (see m2n_release). M2N_INVALID: the counts do not fit, or the slot is dispatched and not released. */
M2N_API m2n_status m2n_slot_open(m2n_endpoint*, uint32_t slot, uint32_t peer, uint32_t rows, uint32_t pairs,
                                 uint32_t groups, m2n_slot_view* out);

/* Copies rows made elsewhere into a view: memcpy, suited to memory that another core reads. Ordinary stores fetch every
 * line from the core that read it last, only to overwrite it; a string instruction does not, and for 1 MiB, where
 * memcpy of glibc turns to ordinary stores, takes less than half the time. Better still is not to copy. */
M2N_API void m2n_copy(void* slot, const void* from, uint64_t bytes);

typedef struct {
  uint32_t tag;
  uint32_t reserved;
  uint64_t version;
  uint64_t epoch;       /* the sender's view of membership; returned with the result */
  uint64_t deadline_us; /* from now; a piece not returned by then ends with M2N_TIMEOUT. 0 is invalid: every wait is
                           bounded */
} m2n_message;

/* As m2n_dispatch, before the rows are written: publishes headers, groups and row indices of every piece opened in this
 * slot, which must be written. The rows follow by m2n_dispatch_rows, piece by piece in any order. */
M2N_API m2n_status m2n_dispatch_begin(m2n_endpoint*, uint32_t slot, const m2n_message* message, m2n_ticket* out);
/* The first `rows` rows of this peer's piece are written now; the number only grows, and the dispatch is whole with the
 * last. They are published in chunks (m2n_rows_per_chunk), so that the receiver reads while the sender still writes.
 * M2N_PEER_LOST: nobody reads them any more. */
M2N_API m2n_status m2n_dispatch_rows(m2n_endpoint*, m2n_ticket ticket, uint32_t peer, uint32_t rows);
/* How many rows of a dispatch, and of a result, make a chunk: a writer that tells of each chunk when it is written hides
 * most of the time of writing. */
M2N_API m2n_status m2n_rows_per_chunk(m2n_endpoint*, uint32_t* dispatch_rows, uint32_t* result_rows);

/* Publishes every piece opened in this slot. The ticket is consumed by m2n_release. With no piece open the ticket is
 * complete at once. */
M2N_API m2n_status m2n_dispatch(m2n_endpoint*, uint32_t slot, const m2n_message* message, m2n_ticket* out);

typedef struct {
  const void* rows; /* [pairs][result_bytes] in the order of the piece's pairs; NULL unless status is M2N_OK */
  uint32_t peer;
  int32_t status; /* m2n_status of this piece */
  uint32_t pairs;
  uint32_t reserved;
  uint64_t hold_ns;    /* receiver's clock: from seeing the piece to returning it */
  uint64_t compute_ns; /* receiver's clock: as it told m2n_return */
} m2n_result;

/* M2N_OK: every piece of the ticket has ended (look at each status); results[0..*count) are valid until m2n_release.
 * M2N_PENDING after wait_us. */
M2N_API m2n_status m2n_combine(m2n_endpoint*, m2n_ticket ticket, uint32_t wait_us, m2n_result* results,
                               uint32_t capacity, uint32_t* count);
/* Waits until the first `pairs` result rows of this peer's piece are there, for a receiver that returns them early (see
 * m2n_return_rows). M2N_OK: *rows is where they are and *available how many; they become final with m2n_combine, which
 * tells the piece's status. M2N_PENDING after wait_us; else how the piece has ended without them. */
M2N_API m2n_status m2n_results_wait(m2n_endpoint*, m2n_ticket ticket, uint32_t peer, uint32_t pairs, uint32_t wait_us,
                                    const void** rows, uint32_t* available);
/* Frees the slot. Legal at any time after dispatch; late results of an abandoned ticket are dropped by their sequence
 * number, and the slot of a pair whose piece timed out stays closed until that peer has returned it or is gone. */
M2N_API m2n_status m2n_release(m2n_endpoint*, m2n_ticket ticket);

/* ---- receiver ---- */

/* One sender's rows within a batch. The index arrays are private, checked copies; rows and results are addresses in the
 * shared slot. */
typedef struct {
  const void* rows;
  void* results;               /* [pairs][result_bytes], to be written before m2n_return */
  const uint32_t* row_of_pair; /* [pairs], each below rows_count */
  const m2n_group* groups;
  uint32_t rows_count;
  uint32_t pairs;
  uint32_t groups_count;
  uint32_t peer; /* the sender's rank */
  uint32_t slot;
  uint32_t reserved;
  uint64_t epoch;
  uint64_t token; /* for the library */
} m2n_piece;

typedef struct {
  const m2n_piece* pieces; /* at most one of each sender; valid until m2n_return */
  uint32_t count;
  uint32_t tag;
  uint64_t version;
  uint64_t gather_ns; /* how long the first piece waited for the others */
} m2n_batch;

typedef struct {
  uint32_t tag_count; /* tags are 0..tag_count-1 and are served in cyclic order; others are M2N_INVALID */
  uint32_t window_us; /* see m2n_receive */
  uint32_t max_pairs; /* a batch holds at most this many pairs (a single piece always fits) */
  uint32_t early;     /* 1: a piece is shown as soon as its header is there; see m2n_rows_wait. Else 0 */
} m2n_gather;

/*
 * Waits up to wait_us for work, then fills a batch: pieces of one tag and version, from different senders. M2N_PENDING
 * if none came.
 *
 * Order: tags in cyclic order after the last one served, oldest piece first within a tag. A sender is in phase when the
 * last piece served for it had the tag just before the candidate's (cyclic) and it is connected. With more than one
 * sender connected and window_us > 0, the call waits at most window_us, from when the first piece was seen, for
 * in-phase senders that are still missing at the next tag; it takes what has come when the window ends, or as soon as
 * all in-phase senders are there. A sender that is late, dead or new is never waited for longer, and a batch that is
 * full (max_pairs) waits for nobody. There is one batch at a time: M2N_INVALID while the last one is not returned.
 */
M2N_API m2n_status m2n_receive(m2n_endpoint*, const m2n_gather* gather, uint32_t wait_us, m2n_batch* out);
/* For batches received early: waits until the first `rows` rows of a piece are there. M2N_OK: at least so many are, and
 * *available how many. M2N_PENDING after wait_us. M2N_PEER_LOST: the sender will not send them; return the piece with any
 * status. M2N_INVALID: its counters make no sense; the pair is dropped. */
M2N_API m2n_status m2n_rows_wait(m2n_endpoint*, const m2n_batch* batch, uint32_t piece, uint32_t rows, uint32_t wait_us,
                                 uint32_t* available);
/* The first `pairs` result rows of a piece are written now; published in chunks as they are told. What m2n_return says
 * afterwards must be M2N_OK for this piece. */
M2N_API m2n_status m2n_return_rows(m2n_endpoint*, const m2n_batch* batch, uint32_t piece, uint32_t pairs);

/* Publishes the results of every piece of the batch with one status (M2N_OK, M2N_VERSION_MISSING, M2N_MISPLACED or
 * M2N_INTERNAL) and frees them. */
M2N_API m2n_status m2n_return(m2n_endpoint*, const m2n_batch* batch, int32_t status, uint64_t compute_ns);
/* As m2n_return for one piece, where only that one is refused or finished earlier; m2n_return then skips it. */
M2N_API m2n_status m2n_return_piece(m2n_endpoint*, const m2n_batch* batch, uint32_t piece, int32_t status,
                                    uint64_t compute_ns);

typedef struct {
  uint64_t messages; /* pieces sent or received */
  uint64_t bytes;
  uint64_t sleeps; /* waits that reached the futex */
  uint64_t waits;
  uint64_t invalid;  /* pieces refused */
  uint64_t gathered; /* batches with more than one piece */
  uint32_t peers;
  uint32_t reserved;
} m2n_counters;
M2N_API m2n_status m2n_endpoint_counters(m2n_endpoint*, m2n_counters* out);

#ifdef __cplusplus
}
#endif
#endif
