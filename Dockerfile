# syntax=docker/dockerfile:1

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/palabre ./cmd/palabre \
 && install -d -o 65532 -g 65532 -m 0700 /out/data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/palabre /usr/local/bin/palabre
# The volume takes its owner from here: nobody in particular, who owns nothing else.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
ENV PALABRE_LISTEN=0.0.0.0:8080 PALABRE_DATA=/data PALABRE_LOG_FORMAT=json
EXPOSE 8080
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["/usr/local/bin/palabre", "health"]
ENTRYPOINT ["/usr/local/bin/palabre"]
CMD ["serve"]
