# The image of Banyan: pinned dependencies, our six packages, the façade's hot path compiled (ADR 9), no root.
FROM python:3.11-slim AS build

RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
WORKDIR /usr/src/banyan
COPY requirements-dev.lock ./
RUN pip install --require-hashes -r requirements-dev.lock
COPY pyproject.toml README.md LICENSE ./
COPY adapters ./adapters
COPY contracts ./contracts
COPY events ./events
COPY hub ./hub
COPY observability ./observability
COPY routers ./routers
COPY typings ./typings
RUN HATCH_BUILD_HOOK_ENABLE_MYPYC=1 pip wheel --no-deps --no-build-isolation --wheel-dir /wheel .

FROM python:3.11-slim

# Not the working folder but the environment decides what is imported: our packages have general names.
ENV PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /usr/src/banyan
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock

COPY --from=build /wheel /wheel
RUN pip install --no-deps /wheel/*.whl && rm -r /wheel \
 && useradd --system --uid 10001 --home-dir /var/lib/banyan --create-home banyan

USER banyan
WORKDIR /var/lib/banyan
VOLUME /var/lib/banyan
ENTRYPOINT ["banyan"]
CMD ["--help"]
