ARG A=${TARGETARCH#amd}
ARG B=${A:+twelve}
ARG B=${B:-12}
FROM debian:$B
