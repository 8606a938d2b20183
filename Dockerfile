# The release build on Debian 13, then only the binary and the libraries it needs. Works with a read-only root filesystem
# and without capabilities.
FROM docker.io/library/debian:trixie-slim AS build
WORKDIR /src
COPY packages packages
RUN packages/install.sh build
COPY . .
ARG REVISION=""
RUN cmake --preset release -D FORKJOIN_REVISION="$REVISION" && cmake --build --preset release --target forkjoin \
    && strip -o /forkjoin build/release/forkjoin \
    # The packages that own the libraries the loader would load: what the next stage installs.
    && ldd /forkjoin | awk '$3 ~ /^\// { print $3 }' | xargs realpath | xargs dpkg-query -S | cut -d: -f1 | sort -u > /libraries

FROM docker.io/library/debian:trixie-slim
COPY --from=build /libraries /tmp/libraries
# With the certificates that callbacks over https are checked by.
RUN apt-get update && xargs apt-get install --yes --no-install-recommends ca-certificates < /tmp/libraries \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log /tmp/libraries
COPY --from=build /forkjoin /usr/local/bin/forkjoin
COPY LICENSE /usr/share/doc/forkjoin/copyright

ARG REVISION=""
ARG VERSION=""
LABEL org.opencontainers.image.title="forkjoin" \
      org.opencontainers.image.description="Parallel compute over HTTP" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

# OpenMP's environment is not set here: the binary sets what it wants and starts itself once more (server/main.c).
ENV FORKJOIN_LISTEN=0.0.0.0 FORKJOIN_PORT=8080
# Jobs outlive the container where this is a volume; elsewhere, on a read-only root, they are held in memory.
ENV XDG_STATE_HOME=/var/lib
RUN install -d -o 65532 -g 65532 -m 0700 /var/lib/forkjoin
VOLUME /var/lib/forkjoin
USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
# Kept by Docker's image format only: podman build --format docker.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/usr/local/bin/forkjoin", "--healthcheck"]
ENTRYPOINT ["/usr/local/bin/forkjoin"]
