# One recipe for all services: `docker build --build-arg SERVICE=scoring .`
FROM python:3.13-slim-trixie AS dependencies
ENV UV_PROJECT_ENVIRONMENT=/app/.venv UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1
RUN pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore "uv==0.13.9"
WORKDIR /app
COPY pyproject.toml uv.lock ./
COPY shared/pyproject.toml shared/
COPY services/intake/pyproject.toml services/intake/
COPY services/scoring/pyproject.toml services/scoring/
COPY services/notify/pyproject.toml services/notify/
# What all services need is installed once for all three images, and again only when the lock changes.
RUN uv sync --frozen --no-dev --no-cache --no-install-workspace --package anxing-shared

FROM dependencies AS build
ARG SERVICE
RUN test -n "$SERVICE" \
 && uv sync --frozen --no-dev --no-cache --no-install-workspace --package "anxing-$SERVICE"
COPY shared/src shared/src
COPY services/$SERVICE services/$SERVICE
RUN uv sync --frozen --no-dev --no-cache --package "anxing-$SERVICE" \
 && python -m compileall -q shared/src "services/$SERVICE/src"

FROM python:3.13-slim-trixie
ARG SERVICE
LABEL org.opencontainers.image.title="anxing-$SERVICE" org.opencontainers.image.licenses=Apache-2.0
# A number, so that Kubernetes can prove that it is not root.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /app anxing \
 && install -d -o 10001 -g 10001 -m 700 /var/lib/anxing
# Owned by root: the service can write nothing but /var/lib/anxing.
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 ANXING_HTTP__HOST=0.0.0.0 SERVICE=$SERVICE
WORKDIR /app
USER 10001:10001
# `docker run IMAGE migrate` runs another verb of the same service.
ENTRYPOINT ["/bin/sh", "-c", "exec \"$SERVICE\" \"$@\"", "service"]
CMD ["serve"]
