# One recipe for all services: `docker build --build-arg SERVICE=scoring .`
FROM python:3.13-slim-trixie AS build
ARG SERVICE
ENV UV_PROJECT_ENVIRONMENT=/app/.venv UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1
RUN pip install --no-cache-dir "uv==0.13.9"
WORKDIR /app

# Dependencies change rarely and the source often: two layers.
COPY pyproject.toml uv.lock ./
COPY shared/pyproject.toml shared/
COPY services/intake/pyproject.toml services/intake/
COPY services/scoring/pyproject.toml services/scoring/
COPY services/notify/pyproject.toml services/notify/
RUN test -n "$SERVICE" && uv sync --frozen --no-dev --no-install-workspace --package "anxing-$SERVICE"

COPY shared/src shared/src
COPY services/$SERVICE services/$SERVICE
RUN uv sync --frozen --no-dev --package "anxing-$SERVICE"

FROM python:3.13-slim-trixie
ARG SERVICE
# A number, so that Kubernetes can prove that it is not root.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /app anxing \
 && install -d -o 10001 -g 10001 -m 700 /var/lib/anxing
COPY --from=build --chown=root:root /app /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 ANXING_HTTP__HOST=0.0.0.0 SERVICE=$SERVICE
WORKDIR /app
USER 10001:10001
# `docker run IMAGE migrate` runs another verb of the same service.
ENTRYPOINT ["/bin/sh", "-c", "exec \"$SERVICE\" \"$@\"", "service"]
CMD ["serve"]
