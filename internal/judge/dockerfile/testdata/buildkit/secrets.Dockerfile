FROM debian:12
ARG API_KEY
ARG TOKEN=longenoughvalue
ENV DB_PASSWORD=longenoughvalue PUBLIC_KEY=abcdefgh
ENV MONKEY=abcdefghij AUTH=longenoughvalue
ARG PASSWORD_FILE
