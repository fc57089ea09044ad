# check=skip=MaintainerDeprecated,JSONArgsRecommended
FROM debian:12 as a
MAINTAINER me
CMD a
