# The build stage compiles nothing and keeps nothing but the environment at /opt/o2c.
FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN docker/build-steps.sh /src /opt/o2c

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/o2c --create-home o2c
COPY --from=build /opt/o2c /opt/o2c
COPY docker/start.sh docker/health.sh /opt/o2c/bin/
COPY config /etc/o2c/config
COPY mappings /etc/o2c/mappings
ENV PATH=/opt/o2c/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    O2C_HOST=0.0.0.0 \
    O2C_PORT=8080 \
    O2C_DATA_DIR=/var/lib/o2c \
    O2C_CONFIG_DIR=/etc/o2c/config \
    O2C_MAPPINGS_DIR=/etc/o2c/mappings
WORKDIR /var/lib/o2c
VOLUME /var/lib/o2c
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["health.sh", "serve"]
ENTRYPOINT ["start.sh"]
CMD ["serve"]
