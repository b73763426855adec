# BotBot's image: what the lock says, by its hashes, in an account without rights, on a root that may be read-only.
#
#   docker build -t botbot .
#   docker run --read-only --tmpfs /tmp -v botbot:/data -p 8000:8000 --env-file .env botbot
ARG PYTHON=3.11

FROM python:${PYTHON}-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
# The parts change less often than we do, so they are a layer of their own.
COPY runtime.lock build-requirements.lock ./
RUN python -m venv --without-pip /opt/botbot \
    && python -m venv /opt/tools \
    && /opt/tools/bin/pip install --require-hashes -r build-requirements.lock \
    && /opt/tools/bin/pip --python /opt/botbot/bin/python install --require-hashes --only-binary :all: -r runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY tools/build_hook.py tools/build_hook.py
COPY src src
RUN /opt/tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/tools/bin/pip --python /opt/botbot/bin/python install --no-deps --no-index /wheels/*.whl \
    && /opt/botbot/bin/python -m compileall -q /opt/botbot/lib

FROM python:${PYTHON}-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin botbot \
    && install -d -m 700 -o botbot /data
COPY --from=build /opt/botbot /opt/botbot
ENV PATH=/opt/botbot/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    BOTBOT_DATA_DIR=/data BOTBOT_HOST=0.0.0.0 BOTBOT_PORT=8000 BOTBOT_LOG=json
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['BOTBOT_PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["botbot"]
CMD ["serve"]
