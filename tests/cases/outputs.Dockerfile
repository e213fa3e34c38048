# What tests/oracle/outputs.py has others read: files of each kind, removed and replaced ones, and a full configuration.
FROM layerwise/busybox AS made
RUN mkdir -p /d/deep /gone && echo a >/d/a && ln /d/a /d/again && ln -s a /d/link && echo x >/gone/x && mkfifo /d/pipe \
    && chmod 4755 /d/a && chown 5:6 /d/deep && touch /d/ümlaut "/d/$(printf 'n%.0s' $(seq 120))"
RUN rm -r /gone && rm /d/link && mkdir /d/link && echo in >/d/link/in && rm -r /d/deep && mkdir /d/deep

FROM made
COPY --from=made --chown=7:8 /d /copied
ENV A=1 B="two words"
WORKDIR /w
USER 65534
LABEL one=1
EXPOSE 80
STOPSIGNAL SIGINT
ENTRYPOINT ["/bin/sh", "-c"]
CMD ["id"]
