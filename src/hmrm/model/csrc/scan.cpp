// Selective scan for processors, a custom operator on LibTorch's stable ABI (torch 2.10 on).
//
// hmrm::scan_forward and hmrm::scan_backward are what model/scan_cpp.py registers gradients for;
// shapes and meanings are those of model/scan.py. Channels are vectorised, time is a loop, the
// batch goes to torch's thread pool. Backward needs no stored states but one per CHUNK steps.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <tuple>

#include <torch/csrc/stable/library.h>
#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#define INLINE static inline __attribute__((always_inline))

namespace {

using torch::stable::Tensor;
using Scalar = torch::headeronly::ScalarType;

// Rows of channels are padded to whole vectors of the widest instruction set.
constexpr int64_t LANES = 16;
constexpr double LN2 = 0.6931471805599453;
// Steps whose states are held at once: four buffers of CHUNK * N vectors stay in the second cache.
constexpr int64_t CHUNK = 32;
// Batch slices that sum dA for themselves: a fixed number, so that the order of summation, and
// with it every bit, does not depend on the number of threads.
constexpr int64_t SLICES = 8;

// One sequence in the order it is processed; steps are negative when it runs backwards.
template <class T> struct Sequence {
  int64_t length, channels, padded;
  int N;
  const T *u, *dt, *B, *C;
  int64_t u_step, dt_step, B_step, C_step;
  const T *A2, *D;  // (N, padded) and (padded); A2 is A / ln 2
};

template <class T> struct Gradients {
  const T* gy;
  int64_t gy_step;
  T *du, *ddt, *dB, *dC;
  int64_t du_step, ddt_step, dB_step, dC_step;
  T *dA, *dD;  // (N, padded) and (padded)
};

#define REGISTER 16
namespace baseline {
#include "kernel.inc"
}
#if defined(__x86_64__)
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#undef REGISTER
#define REGISTER 32
namespace avx2 {
#include "kernel.inc"
}
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
#undef REGISTER
#define REGISTER 64
namespace avx512 {
#include "kernel.inc"
}
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

template <class T>
void forward(const Sequence<T>& s, T* y, int64_t y_step, bool add, T* states, T* room) {
#if defined(__x86_64__)
  if (instruction_set() == 2) return avx512::forward<T>(s, y, y_step, add, states, room);
  if (instruction_set() == 1) return avx2::forward<T>(s, y, y_step, add, states, room);
#endif
  baseline::forward<T>(s, y, y_step, add, states, room);
}

template <class T>
void backward(const Sequence<T>& s, const Gradients<T>& g, const T* states, T* room) {
#if defined(__x86_64__)
  if (instruction_set() == 2) return avx512::backward<T>(s, g, states, room);
  if (instruction_set() == 1) return avx2::backward<T>(s, g, states, room);
#endif
  baseline::backward<T>(s, g, states, room);
}

// Zeroed memory on a vector boundary.
template <class T> struct Room {
  explicit Room(int64_t count)
      : raw(std::calloc(std::max<int64_t>(count, 1) * sizeof(T) + 128, 1), std::free) {
    STD_TORCH_CHECK(raw, "selective scan: out of memory");
    const auto address = reinterpret_cast<std::uintptr_t>(raw.get());
    data = reinterpret_cast<T*>((address + 127) / 128 * 128);
  }
  std::unique_ptr<void, void (*)(void*)> raw;
  T* data;
};

int64_t padded_of(int64_t channels) { return (channels + LANES - 1) / LANES * LANES; }

template <class T> struct Weights {
  Weights(const Tensor& A_tensor, const Tensor& D_tensor)
      : channels(A_tensor.size(0)), N(A_tensor.size(1)), padded(padded_of(channels)),
        A2(N * padded), D(padded) {
    const T* a = A_tensor.const_data_ptr<T>();
    const T* skip = D_tensor.const_data_ptr<T>();
    for (int64_t d = 0; d < channels; ++d) {
      D.data[d] = skip[d * D_tensor.stride(0)];
      for (int64_t n = 0; n < N; ++n)
        A2.data[n * padded + d] =
            a[d * A_tensor.stride(0) + n * A_tensor.stride(1)] * static_cast<T>(1 / LN2);
    }
  }
  int64_t channels, N, padded;
  Room<T> A2, D;
};

// Pointer to the first processed row of a (batch, length, width) tensor, and the way to the next.
template <class P> struct Rows {
  P* at;
  int64_t step;
};

template <class P> Rows<P> rows(P* data, const Tensor& x, int64_t b, bool reverse) {
  const int64_t step = x.stride(1);
  data += b * x.stride(0);
  if (reverse) return {data + (x.size(1) - 1) * step, -step};
  return {data, step};
}

void check(const Tensor& x, const Tensor& like, int64_t width, const char* name) {
  STD_TORCH_CHECK(
      x.dim() == 3 && x.size(0) == like.size(0) && x.size(1) == like.size(1) &&
          x.size(2) == width && (x.stride(2) == 1 || width <= 1 || x.numel() == 0),
      "selective scan: ", name, " must be (batch, length, width) with adjacent elements");
  STD_TORCH_CHECK(x.scalar_type() == like.scalar_type() && x.is_cpu(),
                  "selective scan: ", name, " must be on the CPU, of the same type as u");
}

void check_all(const Tensor& u, const Tensor& dt, const Tensor& A, const Tensor& B,
               const Tensor& C, const Tensor& D) {
  check(u, u, A.size(0), "u");
  check(dt, u, A.size(0), "dt");
  check(B, u, A.size(1), "B");
  check(C, u, A.size(1), "C");
  STD_TORCH_CHECK(A.dim() == 2 && D.dim() == 1 && D.size(0) == A.size(0) &&
                      A.scalar_type() == u.scalar_type() && D.scalar_type() == u.scalar_type(),
                  "selective scan: A must be (channels, N), D (channels), of the same type as u");
}

template <class T>
Sequence<T> sequence(const Tensor& u, const Tensor& dt, const Tensor& B, const Tensor& C,
                     const Weights<T>& w, int64_t b, bool reverse) {
  const auto u_rows = rows(u.const_data_ptr<T>(), u, b, reverse);
  const auto dt_rows = rows(dt.const_data_ptr<T>(), dt, b, reverse);
  const auto B_rows = rows(B.const_data_ptr<T>(), B, b, reverse);
  const auto C_rows = rows(C.const_data_ptr<T>(), C, b, reverse);
  return {u.size(1),   w.channels,   w.padded,    static_cast<int>(w.N),
          u_rows.at,   dt_rows.at,   B_rows.at,   C_rows.at,
          u_rows.step, dt_rows.step, B_rows.step, C_rows.step,
          w.A2.data,   w.D.data};
}

int64_t kept_chunks(int64_t length) { return std::max<int64_t>(0, (length - 1) / CHUNK); }

template <class T>
void run_forward(const Tensor& u, const Tensor& dt, const Tensor& A, const Tensor& B,
                 const Tensor& C, const Tensor& D, bool reverse, Tensor& y, Tensor& states) {
  const Weights<T> w(A, D);
  const int64_t per_sequence = kept_chunks(u.size(1)) * w.N * w.padded;
  T* y_data = y.mutable_data_ptr<T>();
  T* kept = states.mutable_data_ptr<T>();
  torch::stable::parallel_for(0, u.size(0), 1, [&](int64_t begin, int64_t end) {
    Room<T> room(2 * w.N * LANES);
    for (int64_t b = begin; b < end; ++b) {
      const auto to = rows(y_data, y, b, reverse);
      forward<T>(sequence(u, dt, B, C, w, b, reverse), to.at, to.step, false,
                 per_sequence ? kept + b * per_sequence : nullptr, room.data);
    }
  });
}

template <class T>
void run_backward(const Tensor& gy, const Tensor& u, const Tensor& dt, const Tensor& A,
                  const Tensor& B, const Tensor& C, const Tensor& D, const Tensor& states,
                  bool reverse, Tensor& du, Tensor& ddt, Tensor& dA, Tensor& dB, Tensor& dC,
                  Tensor& dD) {
  const Weights<T> w(A, D);
  const int64_t batch = u.size(0), width = w.N * w.padded;
  const int64_t per_sequence = kept_chunks(u.size(1)) * width;
  const int64_t slices = std::min(SLICES, batch);
  Room<T> sums(slices * (width + w.padded));
  const T* kept = states.const_data_ptr<T>();
  T *du_data = du.mutable_data_ptr<T>(), *ddt_data = ddt.mutable_data_ptr<T>();
  T *dB_data = dB.mutable_data_ptr<T>(), *dC_data = dC.mutable_data_ptr<T>();
  torch::stable::parallel_for(0, slices, 1, [&](int64_t begin, int64_t end) {
    Room<T> room(((4 * CHUNK + 4) * LANES + w.padded) * w.N);
    for (int64_t slice = begin; slice < end; ++slice) {
      T* sum = sums.data + slice * (width + w.padded);
      for (int64_t b = batch * slice / slices; b < batch * (slice + 1) / slices; ++b) {
        const auto gy_rows = rows(gy.const_data_ptr<T>(), gy, b, reverse);
        const auto du_rows = rows(du_data, du, b, reverse);
        const auto ddt_rows = rows(ddt_data, ddt, b, reverse);
        const auto dB_rows = rows(dB_data, dB, b, reverse);
        const auto dC_rows = rows(dC_data, dC, b, reverse);
        const Gradients<T> g{gy_rows.at,   gy_rows.step,  du_rows.at,   ddt_rows.at,
                             dB_rows.at,   dC_rows.at,    du_rows.step, ddt_rows.step,
                             dB_rows.step, dC_rows.step,  sum,          sum + width};
        backward<T>(sequence(u, dt, B, C, w, b, reverse), g, kept + b * per_sequence, room.data);
      }
    }
  });
  T *dA_data = dA.mutable_data_ptr<T>(), *dD_data = dD.mutable_data_ptr<T>();
  for (int64_t d = 0; d < w.channels; ++d) {
    for (int64_t n = 0; n <= w.N; ++n) {
      const int64_t place = n * w.padded + d;  // dD follows dA as one more row
      T total = 0;
      for (int64_t slice = 0; slice < slices; ++slice)
        total += sums.data[slice * (width + w.padded) + place];
      (n < w.N ? dA_data[d * w.N + n] : dD_data[d]) = total;
    }
  }
}

std::tuple<Tensor, Tensor> scan_forward(Tensor u, Tensor dt, Tensor A, Tensor B, Tensor C,
                                        Tensor D, bool reverse) {
  check_all(u, dt, A, B, C, D);
  Tensor y = torch::stable::new_empty(u, {u.size(0), u.size(1), u.size(2)});
  Tensor states = torch::stable::new_empty(
      u, {u.size(0), kept_chunks(u.size(1)), A.size(1) * padded_of(u.size(2))});
  if (y.numel() == 0) return {y, states};
  if (u.scalar_type() == Scalar::Double)
    run_forward<double>(u, dt, A, B, C, D, reverse, y, states);
  else
    run_forward<float>(u, dt, A, B, C, D, reverse, y, states);
  return {y, states};
}

std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor> scan_backward(
    Tensor gy, Tensor u, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor D, Tensor states,
    bool reverse) {
  check_all(u, dt, A, B, C, D);
  check(gy, u, A.size(0), "the gradient");
  const int64_t batch = u.size(0), length = u.size(1), channels = A.size(0), N = A.size(1);
  Tensor du = torch::stable::new_zeros(u, {batch, length, channels});
  Tensor ddt = torch::stable::new_empty(u, {batch, length, channels});
  Tensor dA = torch::stable::new_zeros(u, {channels, N});
  Tensor dB = torch::stable::new_zeros(u, {batch, length, N});
  Tensor dC = torch::stable::new_zeros(u, {batch, length, N});
  Tensor dD = torch::stable::new_zeros(u, {channels});
  if (u.numel() == 0) return {du, ddt, dA, dB, dC, dD};
  if (u.scalar_type() == Scalar::Double)
    run_backward<double>(gy, u, dt, A, B, C, D, states, reverse, du, ddt, dA, dB, dC, dD);
  else
    run_backward<float>(gy, u, dt, A, B, C, D, states, reverse, du, ddt, dA, dB, dC, dD);
  return {du, ddt, dA, dB, dC, dD};
}

int64_t scan_instruction_set() { return instruction_set(); }

}  // namespace

STABLE_TORCH_LIBRARY(hmrm, m) {
  m.def(
      "scan_forward(Tensor u, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor D, bool reverse)"
      " -> (Tensor, Tensor)");
  m.def(
      "scan_backward(Tensor gy, Tensor u, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor D,"
      " Tensor states, bool reverse) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)");
  m.def("scan_instruction_set() -> int");
}

STABLE_TORCH_LIBRARY_IMPL(hmrm, CPU, m) {
  m.impl("scan_forward", TORCH_BOX(&scan_forward));
  m.impl("scan_backward", TORCH_BOX(&scan_backward));
}

STABLE_TORCH_LIBRARY_IMPL(hmrm, CompositeExplicitAutograd, m) {
  m.impl("scan_instruction_set", TORCH_BOX(&scan_instruction_set));
}
