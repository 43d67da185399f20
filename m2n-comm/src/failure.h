// How set-up code fails: with a status and one sentence, which the guard of exports.cpp turns into the C contract.
#ifndef M2N_SRC_FAILURE_H
#define M2N_SRC_FAILURE_H

#include <exception>
#include <string>

#include "m2n/m2n.h"

namespace m2n {

class Failure : public std::exception {
 public:
  Failure(m2n_status status, std::string sentence) : status_(status), sentence_(std::move(sentence)) {}
  m2n_status status() const { return status_; }
  const char* what() const noexcept override { return sentence_.c_str(); }

 private:
  m2n_status status_;
  std::string sentence_;
};

// A sentence made as printf makes it.
__attribute__((format(printf, 1, 2))) std::string sentence(const char* format, ...);

// Keeps the sentence for m2n_last_error and hands the status back. Never allocates: the data path may use it for a
// caller's mistake.
__attribute__((format(printf, 2, 3))) m2n_status fail(m2n_status status, const char* format, ...);

const char* last_error();

}  // namespace m2n

#endif
