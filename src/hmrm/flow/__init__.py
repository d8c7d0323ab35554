"""Optical flow between two aligned faces, strain, flow maps, images."""
