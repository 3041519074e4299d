# The image of worker, receipt server and migrations; the command says which of them runs.
FROM python:3.11-slim-bookworm

WORKDIR /app
COPY pyproject.toml constraints.txt LICENSE ./
COPY cli cli
COPY outbox outbox
COPY providers providers
COPY worker worker
COPY dlr dlr
COPY geo geo
COPY imports imports
COPY migrations migrations
COPY sql sql
RUN PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
    pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore -e . \
 && useradd --system --home-dir /app --shell /usr/sbin/nologin outbox

USER outbox
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
ENTRYPOINT ["outbox"]
CMD ["run"]
