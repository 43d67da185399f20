// Stands in for libLibTorchSharp.so where the system's libstdc++ is older than 13: it defines the one symbol that is
// missing there and pulls in the real library (DT_NEEDED), whose functions the runtime then finds through this one.
#include <ios>

static std::ios_base::Init stream_initialiser;

extern "C" void _ZSt21ios_base_library_initv() {}
