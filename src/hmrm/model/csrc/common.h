// What the operators share: views of rows, padded weights, memory, choice of instruction set.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <tuple>
#include <type_traits>

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

namespace {

using torch::stable::Tensor;
using Scalar = torch::headeronly::ScalarType;

// Rows of channels are padded to whole vectors of the widest instruction set.
constexpr int64_t LANES = 16;
constexpr double LN2 = 0.6931471805599453;
// Steps whose states are held at once: two sums of CHUNK * N vectors stay in the first cache.
constexpr int64_t CHUNK = 16;
// Batch slices that sum dA for themselves: a fixed number, so that the order of summation, and
// with it every bit, does not depend on the number of threads.
constexpr int64_t SLICES = 8;

// Pointer to the first processed row of a sequence, and the way to the next; the way is negative
// when the sequence is processed from its end.
template <class P> struct Rows {
  P at;
  int64_t step;
};

template <class P> Rows<P> ordered(P first, int64_t step, int64_t length, bool reverse) {
  if (reverse) return {first + (length - 1) * step, -step};
  return {first, step};
}

// One sequence in the order it is processed.
template <class T> struct Sequence {
  int64_t length, channels, padded;
  int N;
  Rows<const T*> u, dt, B, C;
  const T *A2, *D;  // (N, padded) and (padded); A2 is A / ln 2
};

template <class T> struct Gradients {
  Rows<const T*> gy;
  Rows<T*> du, ddt, dB, dC;
  T *dA, *dD;  // (N, padded) and (padded)
};

// Weights of one direction of one grain: (taps, padded) from the token itself backwards, (padded).
template <class T> struct Convolution {
  int taps;
  int64_t padded;
  const T *weight, *bias;
};

#define REGISTER 16
namespace baseline {
#include "kernel.inc"
#include "mix.inc"
}  // namespace baseline
#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#undef REGISTER
#define REGISTER 32
namespace avx2 {
#include "kernel.inc"
#include "mix.inc"
}  // namespace avx2
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
#undef REGISTER
#define REGISTER 64
namespace avx512 {
#include "kernel.inc"
#include "mix.inc"
}  // namespace avx512
#pragma GCC pop_options
#endif

// 0 baseline, 1 AVX2, 2 AVX-512. HMRM_SCAN_ISA lowers it, for tests and comparisons.
int instruction_set() {
  static const int found = [] {
    int best = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) best = 1;
    if (best && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
      best = 2;
#endif
    const char* wanted = std::getenv("HMRM_SCAN_ISA");
    return wanted ? std::min(best, std::max(0, std::atoi(wanted))) : best;
  }();
  return found;
}

// Calls a kernel of the machine's instruction set. float64 exists for exact tests only and takes
// the baseline, which keeps the compilation short.
#if defined(__x86_64__)
#define RUN(T, kernel, ...)                                                             \
  do {                                                                                  \
    if constexpr (std::is_same_v<T, float>) {                                           \
      if (instruction_set() == 2) {                                                     \
        avx512::kernel<T>(__VA_ARGS__);                                                 \
        break;                                                                          \
      }                                                                                 \
      if (instruction_set() == 1) {                                                     \
        avx2::kernel<T>(__VA_ARGS__);                                                   \
        break;                                                                          \
      }                                                                                 \
    }                                                                                   \
    baseline::kernel<T>(__VA_ARGS__);                                                   \
  } while (false)
#else
#define RUN(T, kernel, ...) baseline::kernel<T>(__VA_ARGS__)
#endif

// Zeroed memory on a vector boundary.
template <class T> struct Room {
  explicit Room(int64_t count)
      : raw(std::calloc(std::max<int64_t>(count, 1) * sizeof(T) + 64, 1), std::free) {
    STD_TORCH_CHECK(raw, "selective scan: out of memory");
    const auto address = reinterpret_cast<std::uintptr_t>(raw.get());
    data = reinterpret_cast<T*>((address + 63) / 64 * 64);
  }
  std::unique_ptr<void, void (*)(void*)> raw;
  T* data;
};

int64_t padded_of(int64_t channels) { return (channels + LANES - 1) / LANES * LANES; }

int64_t kept_chunks(int64_t length) { return std::max<int64_t>(0, (length - 1) / CHUNK); }

// Numbers that backward_sequence needs as room.
int64_t backward_room(int64_t N, int64_t padded) {
  return (2 * N + 10) * CHUNK * LANES + N * padded;
}

}  // namespace
