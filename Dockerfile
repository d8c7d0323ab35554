# CPU, no torch, not root, works with a read-only root file system. UNTESTED: no container daemon was
# at hand where it was written.
#   docker build -t hmrm .
#   docker run --rm --read-only --network none --tmpfs /tmp -v "$PWD:/data" hmrm analyze video.mp4 -o results
FROM python:3.11-slim

COPY . /src
RUN python -m pip install --no-cache-dir -c /src/constraints.txt /src \
    && rm -rf /src \
    && useradd --create-home --uid 1000 hmrm

USER hmrm
WORKDIR /data
# Matplotlib and fonts keep their caches where something can be written.
ENV PYTHONDONTWRITEBYTECODE=1 MPLCONFIGDIR=/tmp XDG_CACHE_HOME=/tmp

ENTRYPOINT ["hmrm"]
CMD ["--help"]
