# escape=`
FROM mcr.microsoft.com/windows/nanoserver:1809
RUN a `
 b
CMD a
