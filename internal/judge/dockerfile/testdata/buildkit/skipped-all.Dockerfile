# check=skip=all
FROM debian:12 as a
MAINTAINER me
CMD a
