FROM debian:12 as Build
run true
Copy a /a
FROM build AS last
CMD ["a"]
