package dockerfile

import (
	"testing"

	"github.com/plimsoll/plimsoll/internal/read/dockerfile"
)

// benched is a Dockerfile of the size that projects have: two stages, sixty lines, several package managers.
const benched = `# syntax=docker/dockerfile:1
ARG NODE=22
FROM node:${NODE}-slim AS build
WORKDIR /app
ENV PNPM_HOME="/pnpm" PATH="/pnpm:$PATH"
RUN apt-get update \
    && apt-get install --no-install-recommends -y \
        make \
        g++ \
        python3 \
    && rm -rf /var/lib/apt/lists/*
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY apps/cli/package.json ./apps/cli/
COPY apps/web/package.json ./apps/web/
COPY packages/api/package.json ./packages/api/
COPY packages/db/package.json ./packages/db/
RUN --mount=type=cache,target=/root/.npm npm install -g corepack@0.31 && corepack enable pnpm
RUN pnpm install --frozen-lockfile
COPY . .
# Build the migration script
RUN cd packages/db && \
    pnpm exec ncc build migrate.ts -o /db_migrations && \
    cp -R drizzle /db_migrations
RUN (cd apps/web && pnpm exec next build)
RUN CI=true pnpm deploy --filter workers --prod /prod/workers

FROM node:${NODE}-slim
LABEL org.opencontainers.image.source="https://example.com/shop"
WORKDIR /app
ARG VERSION=nightly
ENV VERSION=${VERSION} PORT=3000
EXPOSE 3000
ARG TARGETARCH
RUN apt-get update \
    && apt-get install --no-install-recommends -y ca-certificates curl xz-utils \
    && rm -rf /var/lib/apt/lists/*
RUN case ${TARGETARCH} in \
        "amd64") FILE=tool_linux ;; \
        "arm64") FILE=tool_linux_aarch64 ;; \
        *) echo "Unsupported arch: ${TARGETARCH}" && exit 1 ;; \
    esac \
    && curl -fsSL https://example.com/releases/${FILE} -o /usr/local/bin/tool \
    && echo "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae  /usr/local/bin/tool" | sha256sum -c - \
    && chmod +x /usr/local/bin/tool
COPY --from=build --chown=node:node /app/apps/web/.next/standalone ./
COPY --from=build /app/apps/web/public ./apps/web/public
COPY --from=build /db_migrations /db_migrations
RUN mkdir -p ./apps/web/.next && chown node:node ./apps/web/.next
USER node
HEALTHCHECK --interval=30s --timeout=10s CMD curl -f "http://127.0.0.1:${PORT:-3000}/health" || exit 1
ENTRYPOINT ["node", "server.js"]
`

// BenchmarkDockerfile reads a Dockerfile and runs all checks on it, as a scan does.
func BenchmarkDockerfile(b *testing.B) {
	source, checks := []byte(benched), Checks()
	b.SetBytes(int64(len(source)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			f, err := dockerfile.Parse("Dockerfile", source, dockerfile.Options{})
			if err != nil {
				b.Fatal(err)
			}
			for _, c := range checks {
				c.Look(f)
			}
		}
	})
}

// FuzzJudge wants every check and every rewriting to come to an end on whatever can be read.
func FuzzJudge(f *testing.F) {
	f.Add([]byte(benched))
	f.Add([]byte("FROM a as B\nMAINTAINER x\nENV a b\nADD . /\nRUN apt install x <<E\ny\nE\nONBUILD ADD a /b\n# hadolint ignore=DL3001,x\nCMD a\n# plimsoll ignore=b\nEXPOSE 1:2/TCP\n"))
	f.Fuzz(func(t *testing.T, source []byte) {
		file, err := dockerfile.Parse("Dockerfile", source, dockerfile.Options{Folder: true})
		if err != nil {
			return
		}
		pragmas := PragmasOf(file)
		for _, c := range Checks() {
			for _, h := range c.Look(file) {
				pragmas.Apply(c.Card, h)
			}
		}
		Mend(file, dockerfile.Options{Folder: true})
	})
}
