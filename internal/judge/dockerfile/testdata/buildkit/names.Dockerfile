FROM Debian:12
FROM debian:-x
