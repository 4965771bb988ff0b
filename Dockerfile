# One image for web, workers and beat.  TORCH_INDEX chooses the torch build: PyTorch's CPU wheel index by default for
# web and CPU workers; build the GPU worker with the CUDA index of your driver.
FROM python:3.11-slim-bookworm AS build
ARG TORCH_INDEX=""
ENV TORCH_INDEX=${TORCH_INDEX} PIP_NO_CACHE_DIR=1
WORKDIR /srv/labelplatform
COPY requirements.lock requirements-data.lock ./
COPY tools/setup.py tools/setup.py
RUN python tools/setup.py
COPY . .
RUN .venv/bin/python tools/messages.py compile \
    && DEBUG=True STATIC_ROOT=/srv/static .venv/bin/python manage.py collectstatic --noinput

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data labelplatform \
    && install -d -o labelplatform -g labelplatform -m 0700 /data
COPY --from=build /srv /srv
WORKDIR /srv/labelplatform
ENV PATH=/srv/labelplatform/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    LABELPLATFORM_DATA=/data STATIC_ROOT=/srv/static HF_HUB_OFFLINE=1
USER labelplatform
VOLUME /data
EXPOSE 8000
CMD ["uvicorn", "labelplatform.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--timeout-graceful-shutdown", "10"]
