from debian:12 AS build
run true
USER a
workdir /a
