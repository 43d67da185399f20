// What src/transports/ucx/ucx_abi.h declares is what UCX's own headers say.
#include "transports/ucx/ucx_abi.h"

#include <gtest/gtest.h>

#if __has_include(<ucp/api/ucp.h>)
#include <ucp/api/ucp.h>

namespace m2n::ucx {
namespace {

#define EXPECT_SAME_PLACE(Ours, our_field, Theirs, their_field)               \
  static_assert(offsetof(Ours, our_field) == offsetof(Theirs, their_field) && \
                sizeof(Ours::our_field) == sizeof(Theirs::their_field))

static_assert(sizeof(Status) == sizeof(ucs_status_t) && kOk == UCS_OK && kInProgress == UCS_INPROGRESS &&
              kNoResource == UCS_ERR_NO_RESOURCE && kErrorLast == UCS_ERR_LAST);
EXPECT_SAME_PLACE(ContextParams, features, ucp_params_t, features);
EXPECT_SAME_PLACE(ContextParams, estimated_num_eps, ucp_params_t, estimated_num_eps);
static_assert(sizeof(ContextParams) <= sizeof(ucp_params_t));
static_assert(kContextFeatures == UCP_PARAM_FIELD_FEATURES && kContextNumEps == UCP_PARAM_FIELD_ESTIMATED_NUM_EPS &&
              kFeatureWakeup == UCP_FEATURE_WAKEUP && kFeatureAm == UCP_FEATURE_AM);
EXPECT_SAME_PLACE(WorkerParams, thread_mode, ucp_worker_params_t, thread_mode);
EXPECT_SAME_PLACE(WorkerParams, events, ucp_worker_params_t, events);
static_assert(sizeof(WorkerParams) <= sizeof(ucp_worker_params_t));
static_assert(kWorkerThreadMode == UCP_WORKER_PARAM_FIELD_THREAD_MODE &&
              kWorkerEvents == UCP_WORKER_PARAM_FIELD_EVENTS && kThreadSingle == UCS_THREAD_MODE_SINGLE &&
              kWakeupTx == UCP_WAKEUP_TX && kWakeupRx == UCP_WAKEUP_RX);
EXPECT_SAME_PLACE(AmHandlerParam, id, ucp_am_handler_param_t, id);
EXPECT_SAME_PLACE(AmHandlerParam, flags, ucp_am_handler_param_t, flags);
EXPECT_SAME_PLACE(AmHandlerParam, callback, ucp_am_handler_param_t, cb);
EXPECT_SAME_PLACE(AmHandlerParam, argument, ucp_am_handler_param_t, arg);
static_assert(kAmHandlerId == UCP_AM_HANDLER_PARAM_FIELD_ID && kAmHandlerFlags == UCP_AM_HANDLER_PARAM_FIELD_FLAGS &&
              kAmHandlerCallback == UCP_AM_HANDLER_PARAM_FIELD_CB &&
              kAmHandlerArgument == UCP_AM_HANDLER_PARAM_FIELD_ARG && kAmWholeMessage == UCP_AM_FLAG_WHOLE_MSG);
EXPECT_SAME_PLACE(AmReceiveParam, attributes, ucp_am_recv_param_t, recv_attr);
static_assert(kAmReceiveRendezvous == UCP_AM_RECV_ATTR_FLAG_RNDV);
EXPECT_SAME_PLACE(EndpointParams, address, ucp_ep_params_t, address);
EXPECT_SAME_PLACE(EndpointParams, error_mode, ucp_ep_params_t, err_mode);
EXPECT_SAME_PLACE(EndpointParams, error_handler, ucp_ep_params_t, err_handler);
static_assert(sizeof(EndpointParams) <= sizeof(ucp_ep_params_t));
static_assert(kEndpointAddress == UCP_EP_PARAM_FIELD_REMOTE_ADDRESS &&
              kEndpointErrorMode == UCP_EP_PARAM_FIELD_ERR_HANDLING_MODE &&
              kEndpointErrorHandler == UCP_EP_PARAM_FIELD_ERR_HANDLER && kErrorModePeer == UCP_ERR_HANDLING_MODE_PEER);
EXPECT_SAME_PLACE(RequestParam, flags, ucp_request_param_t, flags);
EXPECT_SAME_PLACE(RequestParam, callback, ucp_request_param_t, cb);
EXPECT_SAME_PLACE(RequestParam, datatype, ucp_request_param_t, datatype);
EXPECT_SAME_PLACE(RequestParam, user_data, ucp_request_param_t, user_data);
static_assert(sizeof(RequestParam) == sizeof(ucp_request_param_t));
static_assert(kRequestCallback == UCP_OP_ATTR_FIELD_CALLBACK && kRequestUserData == UCP_OP_ATTR_FIELD_USER_DATA &&
              kRequestDatatype == UCP_OP_ATTR_FIELD_DATATYPE && kRequestFlags == UCP_OP_ATTR_FIELD_FLAGS &&
              kRequestNeverAtOnce == UCP_OP_ATTR_FLAG_NO_IMM_CMPL &&
              kRequestOnlyAtOnce == UCP_OP_ATTR_FLAG_FORCE_IMM_CMPL && kAmSendEager == UCP_AM_SEND_FLAG_EAGER &&
              kCloseForce == UCP_EP_CLOSE_FLAG_FORCE);
static_assert(kDatatypeParts == UCP_DATATYPE_IOV && sizeof(Part) == sizeof(ucp_dt_iov_t));

TEST(UcxAbiTest, Declarations_AreThoseOfTheInstalledHeaders) { EXPECT_EQ(kDatatypeBytes, ucp_dt_make_contig(1)); }

}  // namespace
}  // namespace m2n::ucx
#else
TEST(UcxAbiTest, Declarations_AreThoseOfTheInstalledHeaders) {
  GTEST_SKIP() << "UCX's headers are not installed (Debian package libucx-dev)";
}
#endif
