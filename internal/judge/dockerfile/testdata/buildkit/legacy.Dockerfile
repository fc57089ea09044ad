FROM debian:12
MAINTAINER me
ENV a b
LABEL c d
ENV e=f g=h
