FROM debian:12 AS a
WORKDIR /x
ENV HERE=1
SHELL ["/bin/bash", "-c"]
FROM a
WORKDIR y
COPY $HERE /z
CMD b
