FROM debian:12
RUN a && \

  b
RUN a \
# remark
 b
