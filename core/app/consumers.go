package app

import (
	"context"
	"crypto/rand"
	"os"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/consume"
)

// consumers are what follows the log on one node of the store at a time.
func (a *App) consumers() []core.Consumer {
	var consumers []core.Consumer
	if m, ok := a.store.log.(core.Mirrorer); ok {
		consumers = append(consumers, core.Consumer{Name: "mirror", Handle: m.Mirror})
	}
	return consumers
}

// follow runs a consumer until ctx is done.
func (a *App) follow(ctx context.Context, c core.Consumer) {
	err := consume.Run(ctx, a.store.log, c, consume.Options{Holder: holder(), Report: a.reportConsumer})
	if err != nil {
		a.logger.Error("a consumer of the log does not run", "consumer", c.Name, "error", err)
	}
}

// begin has a consumer that is new begin after a position.
func (a *App) begin(ctx context.Context, consumer string, after core.Position) error {
	return consume.Begin(ctx, a.store.log, consumer, after)
}

// knownConsumers are those that have begun whose names begin with a prefix.
func (a *App) knownConsumers(ctx context.Context, prefix string) ([]string, error) {
	return consume.Known(ctx, a.store.log, prefix)
}

// forget drops how far a consumer has come.
func (a *App) forget(ctx context.Context, consumer string) error {
	return consume.Forget(ctx, a.store.log, consumer)
}

func (a *App) reportConsumer(name string, err error) {
	if core.CodeOf(err) == core.CodeUnavailable {
		a.logger.Debug("a consumer of the log waits for the store", "consumer", name, "error", err)
		return
	}
	a.logger.Warn("a consumer of the log will try again", "consumer", name, "error", err)
}

// holder names this process as no other is named.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return host + "-" + rand.Text()[:10]
}
