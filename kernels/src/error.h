// What a failed check throws inside the library; exports.cpp turns it into a status and the thread's last-error text.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "mk/mk.h"

namespace mk {

class Error : public std::exception {
 public:
  Error(mk_status status, std::string text) : status_(status), text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }
  mk_status status() const noexcept { return status_; }

 private:
  mk_status status_;
  std::string text_;
};

// `text` says what must hold; it is only read when it does not.
inline void require(bool holds, const char* text) {
  if (!holds) throw Error(MK_INVALID, text);
}

}  // namespace mk
