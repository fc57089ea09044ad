FROM --platform=linux/amd64 debian:12 AS a
FROM --platform=linux/arm64 debian:12 AS tool-arm64
FROM --platform=$TARGETPLATFORM debian:12 AS b
FROM --platform=$BUILDPLATFORM debian:12 AS c
FROM --platform=${TARGETPLATFORM} debian:12
