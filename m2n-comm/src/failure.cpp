#include "failure.h"

#include <cstdarg>
#include <cstdio>

namespace m2n {
namespace {

constexpr int kErrorBytes = 512;
thread_local char error_text[kErrorBytes] = "";

}  // namespace

std::string sentence(const char* format, ...) {
  char text[kErrorBytes];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return text;
}

m2n_status fail(m2n_status status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(error_text, sizeof error_text, format, arguments);
  va_end(arguments);
  return status;
}

const char* last_error() { return error_text; }

}  // namespace m2n
