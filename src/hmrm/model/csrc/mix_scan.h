// Second half of a block's mixing: step sizes, scan in both directions, gate; and back.
#pragma once

#include "common.h"
#include "mix.h"

namespace {

// A = -exp(A_log) of both directions as (N, padded), and the other per-channel weights.
template <class T> struct ScanWeights {
  ScanWeights(const Tensor& A_log, const Tensor& D_tensor, const Tensor& bias_tensor,
              int64_t channels)
      : N(A_log.size(2)), padded(padded_of(channels)), A2(2 * N * padded), D(D_tensor, channels),
        bias(bias_tensor, channels) {
    require_rows(A_log, D_tensor, 2, N);
    const T* from = A_log.const_data_ptr<T>();
    for (int g = 0; g < 2; ++g)
      for (int64_t d = 0; d < channels; ++d)
        for (int64_t n = 0; n < N; ++n)
          A2.data[(g * N + n) * padded + d] =
              -std::exp(from[(g * channels + d) * N + n]) * static_cast<T>(1 / LN2);
  }
  int64_t N, padded;
  Room<T> A2;
  PaddedPair<T> D, bias;
};

struct ScanInputs {
  const Tensor &u, &step, &projected, &xz;
  Layout at;
};

template <class T>
Sequence<T> sequence(const ScanInputs& in, const ScanWeights<T>& w, Rows<const T*> dt, int64_t i,
                     int g) {
  const int64_t width = in.projected.size(2);
  const T* p = in.projected.const_data_ptr<T>();
  return {in.at.length(i),
          in.at.channels,
          w.padded,
          static_cast<int>(w.N),
          packed(in.u.const_data_ptr<T>(), in.at, in.at.channels, i, g),
          dt,
          packed(p, in.at, width, i, g, width - 2 * w.N),
          packed(p, in.at, width, i, g, width - w.N),
          w.A2.data + g * w.N * w.padded,
          w.D[g]};
}

// Room for one sequence's rows of channels.
template <class T> struct Scratch {
  Scratch(const Layout& at, int64_t padded)
      : step(padded), room(std::max(at.coarse_length, at.fine_length) * padded) {}
  template <class P> Rows<P> in_order(int64_t length, int direction) {
    return ordered(static_cast<P>(room.data), step, length, direction == 1);
  }
  int64_t step;
  Room<T> room;
};

template <class T>
void fill_steps(const ScanInputs& in, const ScanWeights<T>& w, int64_t i, int g, Rows<T*> dt,
                Rows<T*> slope) {
  RUN(T, step_sizes, in.at.length(i), in.at.channels,
      packed(in.step.const_data_ptr<T>(), in.at, in.at.channels, i, g), w.bias[g], dt, slope);
}

template <class T>
void run_mix_scan(const ScanInputs& in, const ScanWeights<T>& w, Tensor& gated, Tensor& y,
                  Tensor& states) {
  const Layout& at = in.at;
  const int64_t channels = at.channels, chunk = w.N * w.padded;
  T *y_data = y.mutable_data_ptr<T>(), *gated_data = gated.mutable_data_ptr<T>();
  T* kept = states.mutable_data_ptr<T>();
  over_slices(at, [&](int64_t, int64_t first, int64_t last) {
    Scratch<T> steps(at, w.padded);
    Room<T> room(2 * w.N * LANES);
    for (int64_t i = first; i < last; ++i) {
      const int64_t chunks = kept_chunks(at.length(i));
      for (int g = 0; g < 2; ++g) {
        fill_steps(in, w, i, g, steps.template in_order<T*>(at.length(i), g), {nullptr, 0});
        T* own = kept + (at.kept_before(i) + g * chunks) * chunk;
        const auto dt = steps.template in_order<const T*>(at.length(i), g);
        RUN(T, forward, sequence(in, w, dt, i, g), shared(y_data, at, channels, i, g), g == 1,
            chunks ? own : nullptr, room.data);
      }
      RUN(T, gate, at.length(i), channels, shared<const T*>(y_data, at, channels, i, 0),
          shared(in.xz.const_data_ptr<T>(), at, 2 * channels, i, 0, channels),
          shared(gated_data, at, channels, i, 0));
    }
  });
}

ScanInputs checked(const Tensor& u, const Tensor& step, const Tensor& projected, const Tensor& xz,
                   const Tensor& A_log, Layout at) {
  require_rows(u, xz, 2, at.channels);
  require_rows(step, xz, 2, at.channels);
  require_rows(projected, xz, 2, projected.size(2));
  require(projected.size(2) >= 2 * A_log.size(2), "the projection is narrower than B and C");
  return {u, step, projected, xz, at};
}

std::tuple<Tensor, Tensor, Tensor> mix_scan(Tensor u, Tensor step, Tensor projected, Tensor xz,
                                            Tensor A_log, Tensor D, Tensor bias,
                                            int64_t coarse_count, int64_t coarse_length,
                                            int64_t fine_length) {
  const Layout at = layout_of(xz, coarse_count, coarse_length, fine_length);
  const ScanInputs in = checked(u, step, projected, xz, A_log, at);
  Tensor gated = torch::stable::new_empty(xz, {at.rows, at.channels});
  Tensor y = torch::stable::new_empty(xz, {at.rows, at.channels});
  const int64_t kept = at.kept_before(at.count()) * A_log.size(2) * padded_of(at.channels);
  Tensor states = torch::stable::new_empty(xz, {kept});
  if (xz.scalar_type() == Scalar::Double)
    run_mix_scan<double>(in, {A_log, D, bias, at.channels}, gated, y, states);
  else
    run_mix_scan<float>(in, {A_log, D, bias, at.channels}, gated, y, states);
  return {gated, y, states};
}

struct ScanGradients {
  Tensor &du, &dstep, &dprojected, &dxz, &dA_log, &dD, &dbias;
};

template <class T>
void run_mix_scan_backward(const Tensor& dgated, const ScanInputs& in, const ScanWeights<T>& w,
                           const Tensor& y, const Tensor& states, const ScanGradients& out) {
  const Layout& at = in.at;
  const int64_t channels = at.channels, chunk = w.N * w.padded, width = in.projected.size(2);
  // Per slice and direction: N rows of dA, one of dD, one of dbias.
  const int64_t part = chunk + 2 * w.padded, count = 2 * part;
  Room<T> sums(SLICES * count);
  T *du = out.du.mutable_data_ptr<T>(), *dstep = out.dstep.mutable_data_ptr<T>();
  T *dp = out.dprojected.mutable_data_ptr<T>(), *dxz = out.dxz.mutable_data_ptr<T>();
  over_slices(at, [&](int64_t slice, int64_t first, int64_t last) {
    Scratch<T> steps(at, w.padded), slopes(at, w.padded), dy(at, w.padded);
    Room<T> room(backward_room(w.N, w.padded));
    for (int64_t i = first; i < last; ++i) {
      const int64_t length = at.length(i), chunks = kept_chunks(length);
      RUN(T, gate_back, length, channels,
          shared(dgated.const_data_ptr<T>(), at, channels, i, 0),
          shared(y.const_data_ptr<T>(), at, channels, i, 0),
          shared(in.xz.const_data_ptr<T>(), at, 2 * channels, i, 0, channels),
          dy.template in_order<T*>(length, 0), shared(dxz, at, 2 * channels, i, 0, channels));
      for (int g = 0; g < 2; ++g) {
        T* sum = sums.data + slice * count + g * part;
        const Gradients<T> gradients{dy.template in_order<const T*>(length, g),
                                     packed(du, at, channels, i, g),
                                     packed(dstep, at, channels, i, g),
                                     packed(dp, at, width, i, g, width - 2 * w.N),
                                     packed(dp, at, width, i, g, width - w.N),
                                     sum,
                                     sum + chunk};
        fill_steps(in, w, i, g, steps.template in_order<T*>(length, g),
                   slopes.template in_order<T*>(length, g));
        const auto dt = steps.template in_order<const T*>(length, g);
        const T* kept =
            states.const_data_ptr<T>() + (at.kept_before(i) + g * chunks) * chunk;
        RUN(T, backward, sequence(in, w, dt, i, g), gradients, kept, room.data);
        RUN(T, step_sizes_back, length, channels, slopes.template in_order<const T*>(length, g),
            packed(dstep, at, channels, i, g), sum + chunk + w.padded);
      }
    }
  });
  add_slices(sums.data, count);
  T *dA = out.dA_log.mutable_data_ptr<T>(), *dD = out.dD.mutable_data_ptr<T>();
  T* dbias = out.dbias.mutable_data_ptr<T>();
  for (int g = 0; g < 2; ++g)
    for (int64_t d = 0; d < channels; ++d) {
      const T* sum = sums.data + g * part + d;
      const T* A2 = w.A2.data + g * chunk + d;
      // dA_log = dA * dA/dA_log = dA * A
      for (int64_t n = 0; n < w.N; ++n)
        dA[(g * channels + d) * w.N + n] =
            sum[n * w.padded] * A2[n * w.padded] * static_cast<T>(LN2);
      dD[g * channels + d] = sum[chunk];
      dbias[g * channels + d] = sum[chunk + w.padded];
    }
}

// Writes the columns of B and C into dprojected, and those of z into dxz; leaves the others.
std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor> mix_scan_backward(
    Tensor dgated, Tensor u, Tensor step, Tensor projected, Tensor xz, Tensor A_log, Tensor D,
    Tensor bias, Tensor y, Tensor states, int64_t coarse_count, int64_t coarse_length,
    int64_t fine_length, Tensor dprojected, Tensor dxz) {
  const Layout at = layout_of(xz, coarse_count, coarse_length, fine_length);
  const ScanInputs in = checked(u, step, projected, xz, A_log, at);
  require_rows(dgated, xz, 0, at.channels);
  require_rows(y, xz, 0, at.channels);
  require_rows(dprojected, xz, 2, projected.size(2));
  require_rows(dxz, xz, 0, 2 * at.channels);
  Tensor du = torch::stable::empty_like(u), dstep = torch::stable::empty_like(step);
  Tensor dA_log = torch::stable::empty_like(A_log), dD = torch::stable::empty_like(D);
  Tensor dbias = torch::stable::empty_like(bias);
  const ScanGradients out{du, dstep, dprojected, dxz, dA_log, dD, dbias};
  if (xz.scalar_type() == Scalar::Double)
    run_mix_scan_backward<double>(dgated, in, {A_log, D, bias, at.channels}, y, states, out);
  else
    run_mix_scan_backward<float>(dgated, in, {A_log, D, bias, at.channels}, y, states, out);
  return {du, dstep, dA_log, dD, dbias};
}

}  // namespace
