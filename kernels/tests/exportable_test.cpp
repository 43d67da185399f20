// Memory of a CPU context that other processes map.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "harness.h"

namespace mk::test {
namespace {

constexpr uint64_t kBytes = 10'000;

class Exportable : public ::testing::Test {
 protected:
  int32_t open(const void* address) {
    int32_t file = -1;
    EXPECT_EQ(mk_exportable_open(context_.get(), address, &file), MK_OK) << mk_last_error();
    return file;
  }
  mk_status map(mk_context* context, int32_t file, uint64_t bytes, void** out) {
    return mk_exportable_map(context, file, bytes, out);
  }

  Context context_ = make_context(MK_BACKEND_REFERENCE), other_ = make_context(MK_BACKEND_REFERENCE);
};

TEST_F(Exportable, IsZeroed_AndOneMemory_InBothContexts_ForAsLongAsOneHasIt) {
  void *here = nullptr, *there = nullptr;
  ASSERT_EQ(mk_exportable_allocate(context_.get(), kBytes, &here), MK_OK) << mk_last_error();
  const std::vector<char> zeros(kBytes);
  EXPECT_EQ(std::memcmp(here, zeros.data(), kBytes), 0);
  const int32_t file = open(here);
  ASSERT_EQ(map(other_.get(), file, kBytes, &there), MK_OK) << mk_last_error();
  close(file);
  std::memset(here, 7, kBytes);
  mk_exportable_free(context_.get(), here);
  EXPECT_EQ(std::vector<char>(kBytes, 7),
            std::vector<char>(static_cast<char*>(there), static_cast<char*>(there) + kBytes));
  mk_exportable_free(other_.get(), there);
}

TEST_F(Exportable, IsSeenByAnotherProcess) {
  void* here = nullptr;
  ASSERT_EQ(mk_exportable_allocate(context_.get(), kBytes, &here), MK_OK);
  const int32_t file = open(here);
  const pid_t child = fork();
  if (child == 0) {
    std::memset(here, 9, kBytes);
    std::_Exit(0);
  }
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  mk_exportable_free(context_.get(), here);
  void* there = nullptr;
  ASSERT_EQ(map(other_.get(), file, kBytes, &there), MK_OK) << mk_last_error();
  EXPECT_EQ(static_cast<char*>(there)[kBytes - 1], 9);
  close(file);
  mk_exportable_free(other_.get(), there);
}

TEST_F(Exportable, WhatIsNoSuchMemory_IsRefused) {
  void *here = nullptr, *there = nullptr;
  ASSERT_EQ(mk_exportable_allocate(context_.get(), kBytes, &here), MK_OK);
  const int32_t file = open(here);
  EXPECT_EQ(map(other_.get(), file, kBytes + 1, &there), MK_INVALID);
  EXPECT_EQ(map(other_.get(), file, 0, &there), MK_INVALID);
  EXPECT_EQ(map(other_.get(), -1, kBytes, &there), MK_INVALID);
  const int32_t shrinks = memfd_create("shrinks", MFD_CLOEXEC);
  ASSERT_EQ(ftruncate(shrinks, kBytes), 0);
  EXPECT_EQ(map(other_.get(), shrinks, kBytes, &there), MK_INVALID);
  int32_t none = -1;
  EXPECT_EQ(mk_exportable_open(context_.get(), static_cast<char*>(here) + 1, &none), MK_INVALID);
  EXPECT_EQ(mk_exportable_open(other_.get(), here, &none), MK_INVALID);
  EXPECT_EQ(mk_exportable_allocate(context_.get(), 0, &there), MK_INVALID);
  EXPECT_EQ(mk_exportable_allocate(context_.get(), uint64_t{1} << 60, &there), MK_NO_MEMORY);
  EXPECT_EQ(mk_exportable_allocate(nullptr, 1, &there), MK_INVALID);
  close(shrinks);
  close(file);
  mk_exportable_free(context_.get(), here);
  mk_exportable_free(context_.get(), here);  // harmless, as is nothing
  mk_exportable_free(context_.get(), nullptr);
}

}  // namespace
}  // namespace mk::test
