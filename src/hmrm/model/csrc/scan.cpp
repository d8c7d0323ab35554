// Selective scan for processors, a custom operator on LibTorch's stable ABI (torch 2.10 on).
//
// hmrm::scan_forward and hmrm::scan_backward are what model/scan_cpp.py registers gradients for;
// shapes and meanings are those of model/scan.py. Channels are vectorised, time is a loop, the
// batch goes to torch's thread pool. Backward needs no stored states but one per CHUNK steps.

#include "common.h"
#include "mix.h"
#include "mix_scan.h"

namespace {

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

// Rows of sequence b of a (batch, length, width) tensor.
template <class P> Rows<P> rows(P data, const Tensor& x, int64_t b, bool reverse) {
  return ordered(data + b * x.stride(0), x.stride(1), x.size(1), reverse);
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
  return {u.size(1),
          w.channels,
          w.padded,
          static_cast<int>(w.N),
          rows(u.const_data_ptr<T>(), u, b, reverse),
          rows(dt.const_data_ptr<T>(), dt, b, reverse),
          rows(B.const_data_ptr<T>(), B, b, reverse),
          rows(C.const_data_ptr<T>(), C, b, reverse),
          w.A2.data,
          w.D.data};
}

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
      RUN(T, forward, sequence(u, dt, B, C, w, b, reverse), rows(y_data, y, b, reverse), false,
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
    Room<T> room(backward_room(w.N, w.padded));
    for (int64_t slice = begin; slice < end; ++slice) {
      T* sum = sums.data + slice * (width + w.padded);
      for (int64_t b = batch * slice / slices; b < batch * (slice + 1) / slices; ++b) {
        const Gradients<T> g{rows(gy.const_data_ptr<T>(), gy, b, reverse),
                             rows(du_data, du, b, reverse),
                             rows(ddt_data, ddt, b, reverse),
                             rows(dB_data, dB, b, reverse),
                             rows(dC_data, dC, b, reverse),
                             sum,
                             sum + width};
        RUN(T, backward, sequence(u, dt, B, C, w, b, reverse), g, kept + b * per_sequence,
            room.data);
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
  // Zeros: a last vector that is not full leaves its padding unwritten.
  Tensor states = torch::stable::new_zeros(
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
  m.def(
      "mix_convolve(Tensor xz, Tensor coarse_weight, Tensor coarse_bias, Tensor fine_weight,"
      " Tensor fine_bias, int coarse_count, int coarse_length, int fine_length) -> Tensor");
  m.def(
      "mix_convolve_backward(Tensor du, Tensor xz, Tensor coarse_weight, Tensor coarse_bias,"
      " Tensor fine_weight, Tensor fine_bias, int coarse_count, int coarse_length,"
      " int fine_length, Tensor(a!) dxz) -> (Tensor, Tensor, Tensor, Tensor)");
  m.def(
      "mix_scan(Tensor u, Tensor step, Tensor projected, Tensor xz, Tensor A_log, Tensor D,"
      " Tensor bias, int coarse_count, int coarse_length, int fine_length)"
      " -> (Tensor, Tensor, Tensor)");
  m.def(
      "mix_scan_backward(Tensor dgated, Tensor u, Tensor step, Tensor projected, Tensor xz,"
      " Tensor A_log, Tensor D, Tensor bias, Tensor y, Tensor states, int coarse_count,"
      " int coarse_length, int fine_length, Tensor(a!) dprojected, Tensor(b!) dxz)"
      " -> (Tensor, Tensor, Tensor, Tensor, Tensor)");
}

STABLE_TORCH_LIBRARY_IMPL(hmrm, CPU, m) {
  m.impl("scan_forward", TORCH_BOX(&scan_forward));
  m.impl("scan_backward", TORCH_BOX(&scan_backward));
  m.impl("mix_convolve", TORCH_BOX(&mix_convolve));
  m.impl("mix_convolve_backward", TORCH_BOX(&mix_convolve_backward));
  m.impl("mix_scan", TORCH_BOX(&mix_scan));
  m.impl("mix_scan_backward", TORCH_BOX(&mix_scan_backward));
}

STABLE_TORCH_LIBRARY_IMPL(hmrm, CompositeExplicitAutograd, m) {
  m.impl("scan_instruction_set", TORCH_BOX(&scan_instruction_set));
}
