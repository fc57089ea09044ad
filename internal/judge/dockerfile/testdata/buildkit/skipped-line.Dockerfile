FROM debian:12
# check=skip=LegacyKeyValueFormat
ENV a b
ENV c d
