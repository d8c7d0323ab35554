// A Grained Mamba block between its outer projections, both grains and both directions in a call.
//
// Tokens are packed in rows: all sequences of the coarse grain, then all of the fine one. Tensors
// with one entry per direction have it in front (0 forward, 1 backward). `xz` holds the projected
// x and gate z side by side. The matrix products between the operators are model/mamba_mix.py's.
#pragma once

#include "common.h"

namespace {

struct Layout {
  int64_t coarse_count, coarse_length, fine_length, rows, channels;

  int64_t fine_count() const {
    return fine_length ? (rows - coarse_count * coarse_length) / fine_length : 0;
  }
  int64_t count() const { return coarse_count + fine_count(); }
  bool fine(int64_t i) const { return i >= coarse_count; }
  int64_t length(int64_t i) const { return fine(i) ? fine_length : coarse_length; }
  int64_t row(int64_t i) const {
    if (!fine(i)) return i * coarse_length;
    return coarse_count * coarse_length + (i - coarse_count) * fine_length;
  }
  // Kept chunks of all sequences before i, both directions.
  int64_t kept_before(int64_t i) const {
    const int64_t coarse = std::min(i, coarse_count), rest = i - coarse;
    return 2 * (coarse * kept_chunks(coarse_length) + rest * kept_chunks(fine_length));
  }
};

void require(bool holds, const char* what) { STD_TORCH_CHECK(holds, "grained mix: ", what); }

void require_rows(const Tensor& x, const Tensor& like, int64_t directions, int64_t width) {
  const bool shaped = directions ? x.dim() == 3 && x.size(0) == directions : x.dim() == 2;
  require(shaped && x.size(-1) == width && x.is_contiguous() && x.is_cpu() &&
              x.scalar_type() == like.scalar_type(),
          "a tensor has another shape, type or order than the operator takes");
}

Layout layout_of(const Tensor& xz, int64_t coarse_count, int64_t coarse_length,
                 int64_t fine_length) {
  Layout at{coarse_count, coarse_length, fine_length, xz.size(0), xz.size(1) / 2};
  require_rows(xz, xz, 0, 2 * at.channels);
  require(at.row(at.count()) == at.rows, "rows are not whole sequences");
  return at;
}

// Rows of sequence i in a packed (directions, rows, width) tensor, `column` further right.
template <class P>
Rows<P> packed(P data, const Layout& at, int64_t width, int64_t i, int direction,
               int64_t column = 0) {
  data += (direction * at.rows + at.row(i)) * width + column;
  return ordered(data, width, at.length(i), direction == 1);
}

// Rows of sequence i without a direction's dimension, processed in a direction's order.
template <class P>
Rows<P> shared(P data, const Layout& at, int64_t width, int64_t i, int direction,
               int64_t column = 0) {
  return ordered(data + at.row(i) * width + column, width, at.length(i), direction == 1);
}

// Runs `body(slice, first, last)` over SLICES ranges of sequences with about as many rows each.
template <class F> void over_slices(const Layout& at, const F& body) {
  torch::stable::parallel_for(0, SLICES, 1, [&](int64_t begin, int64_t end) {
    for (int64_t slice = begin; slice < end; ++slice) {
      auto bound = [&](int64_t k) {
        const int64_t row = at.rows * k / SLICES, coarse_rows = at.coarse_count * at.coarse_length;
        if (row <= coarse_rows) return at.coarse_length ? row / at.coarse_length : int64_t{0};
        return at.coarse_count + (row - coarse_rows) / at.fine_length;
      };
      body(slice, bound(slice), slice + 1 == SLICES ? at.count() : bound(slice + 1));
    }
  });
}

// (2, channels) numbers as padded rows.
template <class T> struct PaddedPair {
  PaddedPair(const Tensor& x, int64_t channels)
      : padded(padded_of(channels)), room(2 * padded) {
    require_rows(x, x, 0, channels);
    const T* from = x.const_data_ptr<T>();
    for (int g = 0; g < 2; ++g)
      std::memcpy(room.data + g * padded, from + g * channels, channels * sizeof(T));
  }
  const T* operator[](int direction) const { return room.data + direction * padded; }
  int64_t padded;
  Room<T> room;
};

template <class T> struct GrainConvolution {
  GrainConvolution(const Tensor& weight, const Tensor& bias, int64_t channels)
      : taps(weight.size(2)), biases(bias, channels), room(2 * taps * biases.padded) {
    require_rows(weight, bias, 2, taps);
    const T* from = weight.const_data_ptr<T>();
    // The last tap weighs the token itself; kernels want it first.
    for (int g = 0; g < 2; ++g)
      for (int64_t d = 0; d < channels; ++d)
        for (int64_t k = 0; k < taps; ++k)
          room.data[(g * taps + k) * biases.padded + d] =
              from[(g * channels + d) * taps + taps - 1 - k];
  }
  Convolution<T> of(int g) const {
    return {static_cast<int>(taps), biases.padded, room.data + g * taps * biases.padded, biases[g]};
  }
  int64_t taps;
  PaddedPair<T> biases;
  Room<T> room;
};

template <class T>
void run_convolve(const Tensor& xz, const Layout& at, const Tensor (&w)[4], Tensor& u) {
  const GrainConvolution<T> grains[2] = {{w[0], w[1], at.channels}, {w[2], w[3], at.channels}};
  const T* x = xz.const_data_ptr<T>();
  T* out = u.mutable_data_ptr<T>();
  over_slices(at, [&](int64_t, int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i)
      for (int g = 0; g < 2; ++g)
        RUN(T, convolve, grains[at.fine(i)].of(g), at.length(i), at.channels,
            shared(x, at, 2 * at.channels, i, g), packed(out, at, at.channels, i, g));
  });
}

Tensor mix_convolve(Tensor xz, Tensor coarse_weight, Tensor coarse_bias, Tensor fine_weight,
                    Tensor fine_bias, int64_t coarse_count, int64_t coarse_length,
                    int64_t fine_length) {
  const Layout at = layout_of(xz, coarse_count, coarse_length, fine_length);
  Tensor u = torch::stable::new_empty(xz, {2, at.rows, at.channels});
  const Tensor w[4] = {coarse_weight, coarse_bias, fine_weight, fine_bias};
  if (xz.scalar_type() == Scalar::Double)
    run_convolve<double>(xz, at, w, u);
  else
    run_convolve<float>(xz, at, w, u);
  return u;
}

// Adds up what the slices summed, (SLICES, count) numbers, in a fixed order.
template <class T> void add_slices(T* sums, int64_t count) {
  for (int64_t slice = 1; slice < SLICES; ++slice)
    for (int64_t i = 0; i < count; ++i) sums[i] += sums[slice * count + i];
}

template <class T>
void run_convolve_backward(const Tensor& du, const Tensor& xz, const Layout& at,
                           const Tensor (&w)[4], Tensor& dxz, Tensor (&dw)[4]) {
  const GrainConvolution<T> grains[2] = {{w[0], w[1], at.channels}, {w[2], w[3], at.channels}};
  const int64_t padded = padded_of(at.channels), width = 2 * at.channels;
  // Per slice, grain and direction: taps rows of dweight, one of dbias.
  const int64_t taps = std::max(grains[0].taps, grains[1].taps);
  const int64_t part = (taps + 1) * padded, count = 4 * part;
  Room<T> sums(SLICES * count);
  const T *x = xz.const_data_ptr<T>(), *back = du.const_data_ptr<T>();
  T* dx = dxz.mutable_data_ptr<T>();
  over_slices(at, [&](int64_t slice, int64_t first, int64_t last) {
    Room<T> room(std::max(at.coarse_length, at.fine_length) * LANES);
    for (int64_t i = first; i < last; ++i)
      for (int g = 0; g < 2; ++g) {
        T* sum = sums.data + slice * count + (2 * at.fine(i) + g) * part;
        RUN(T, convolve_back, grains[at.fine(i)].of(g), at.length(i), at.channels,
            shared(x, at, width, i, g), packed(back, at, at.channels, i, g),
            shared(dx, at, width, i, g), g == 1, sum, sum + taps * padded, room.data);
      }
  });
  add_slices(sums.data, count);
  for (int grain = 0; grain < 2; ++grain)
    for (int g = 0; g < 2; ++g) {
      const T* sum = sums.data + (2 * grain + g) * part;
      const int64_t own = grains[grain].taps;
      T* weight = dw[2 * grain].mutable_data_ptr<T>() + g * at.channels * own;
      T* bias = dw[2 * grain + 1].mutable_data_ptr<T>() + g * at.channels;
      for (int64_t d = 0; d < at.channels; ++d) {
        for (int64_t k = 0; k < own; ++k) weight[d * own + own - 1 - k] = sum[k * padded + d];
        bias[d] = sum[taps * padded + d];
      }
    }
}

std::tuple<Tensor, Tensor, Tensor, Tensor> mix_convolve_backward(
    Tensor du, Tensor xz, Tensor coarse_weight, Tensor coarse_bias, Tensor fine_weight,
    Tensor fine_bias, int64_t coarse_count, int64_t coarse_length, int64_t fine_length,
    Tensor dxz) {
  const Layout at = layout_of(xz, coarse_count, coarse_length, fine_length);
  require_rows(du, xz, 2, at.channels);
  require_rows(dxz, xz, 0, 2 * at.channels);
  const Tensor w[4] = {coarse_weight, coarse_bias, fine_weight, fine_bias};
  Tensor dw[4] = {torch::stable::empty_like(w[0]), torch::stable::empty_like(w[1]),
                  torch::stable::empty_like(w[2]), torch::stable::empty_like(w[3])};
  if (xz.scalar_type() == Scalar::Double)
    run_convolve_backward<double>(du, xz, at, w, dxz, dw);
  else
    run_convolve_backward<float>(du, xz, at, w, dxz, dw);
  return {dw[0], dw[1], dw[2], dw[3]};
}

}  // namespace
