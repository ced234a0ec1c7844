# docker build --tag osc-finops .
# For builds that are the same every time, name the base by its digest: python:3.11-slim-bookworm@sha256:…
FROM python:3.11-slim-bookworm AS base
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PATH=/opt/venv/bin:$PATH
WORKDIR /srv/osc-finops

FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
# Apart from the code, so that a change of it does not install everything anew.
COPY requirements.txt ./
RUN pip install --requirement requirements.txt
COPY . ./
RUN pybabel compile --directory=locale --domain=django \
 && SECRET_KEY=of-the-build ALLOWED_HOSTS=localhost python manage.py collectstatic --noinput \
 && python -m compileall -q .

FROM base
RUN useradd --system --uid 10001 --home-dir /home/portal --create-home portal
COPY --from=build /opt/venv /opt/venv
# Owned by root: the portal cannot change its own code, and writes nowhere.
COPY --from=build /srv/osc-finops ./
USER 10001
# The only way in, from the network of its containers; give that to nobody but the proxy.
ENV GUNICORN_BIND=0.0.0.0:8000
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import os; from http.client import HTTPConnection; host = os.environ['ALLOWED_HOSTS'].split(',')[0]; probe = HTTPConnection('127.0.0.1', 8000, timeout=4); probe.request('GET', '/healthz', headers={'Host': host}); raise SystemExit(probe.getresponse().status != 200)"]
CMD ["gunicorn", "finops_site.wsgi"]
