"""Whether the reasons of `hmrm explain` are right, on maps whose motion is known."""
