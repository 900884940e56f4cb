package app_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/internal/log/ferrettest"
)

// Two nodes that start at the same time on an empty store agree: one administrator, one of each type, and what one
// writes the other answers.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	server := ferrettest.New(t)
	var settingsOf [2]*config.Config
	for i := range settingsOf {
		c := settings(t)
		c.MongoDB = config.MongoDB{URI: config.Secret(server.URI()), Database: server.Database()}
		c.Admin.Token = ""
		settingsOf[i] = c
	}
	var wait sync.WaitGroup
	var nodes [2]*app.App
	var told [2]string
	ctx, stop := context.WithCancel(t.Context())
	for i, c := range settingsOf {
		wait.Go(func() { nodes[i], told[i] = running(ctx, t, c) })
	}
	wait.Wait()
	t.Cleanup(func() {
		stop()
		for _, a := range nodes {
			closed(t, a)
		}
	})
	token := told[0] + told[1]
	if (told[0] == "") == (told[1] == "") {
		t.Fatalf("the nodes told the tokens %q and %q, where one of them makes one", told[0], told[1])
	}
	made := request(t, nodes[0].Handler(), "POST", "/api/v1/content/note?publish=true", token, `{"title":"A"}`)
	if made.status != 201 {
		t.Fatalf("got %d %v", made.status, made.body)
	}
	patience, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := nodes[1].Catalog().Wait(patience, nodes[0].Catalog().Position()); err != nil {
		t.Fatal(err)
	}
	if got := request(t, nodes[1].Handler(), "GET", "/api/v1/content/note/a", "", ""); got.status != 200 {
		t.Errorf("the other node answers %d %v", got.status, got.body)
	}
	types := 0
	err := nodes[1].Catalog().Each(ctx, "_type", "", func(e *core.Entry) error { types++; return nil })
	if err != nil || types != 1 {
		t.Errorf("got %d types, %v", types, err)
	}
}

// running starts a node and gives the token that it made.
func running(ctx context.Context, t *testing.T, c *config.Config) (*app.App, string) {
	started := make(chan app.Started, 1)
	a, err := app.New(c, app.Options{Tell: func(s app.Started) { started <- s }})
	if err != nil {
		t.Error(err)
		return nil, ""
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	select {
	case s := <-started:
		return a, s.Token
	case err := <-ended:
		t.Errorf("the node ended: %v", err)
		return a, ""
	}
}

// A node that starts without its store and gets it later makes up for what it could not do.
func TestStoreComesBack(t *testing.T) {
	t.Parallel()
	server := ferrettest.New(t)
	server.Stop()
	c := settings(t)
	c.MongoDB = config.MongoDB{URI: config.Secret(server.URI()), Database: server.Database()}
	a := start(t, c)
	if _, known := a.Types().Type("note"); known {
		t.Fatal("the type was made without a store")
	}
	server.Start()
	patience, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for request(t, a.Handler(), "POST", "/api/v1/content/note", adminToken, `{"title":"A"}`).status != 201 {
		if err := a.Catalog().Wait(patience, a.Catalog().Position()+1); err != nil {
			t.Fatal(err)
		}
	}
}
