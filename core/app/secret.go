package app

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/backup"
)

const secretBytes = 32

// sharedSecret gives a key that all nodes of a store share. It is made by the first node that asks. A copy in the
// data directory serves while the store is away; without one, a node that has never seen the store makes do with a
// key of its own. It is in backups, and in what is restored from them.
func (a *App) sharedSecret(name string) ([]byte, error) { return a.secretAt(name, "secret/"+name) }

// unsavedSecret is a sharedSecret that no backup holds: a store that is restored makes another one.
func (a *App) unsavedSecret(name string) ([]byte, error) {
	return a.secretAt(name, backup.Unsaved+name)
}

func (a *App) secretAt(name, key string) ([]byte, error) {
	file := filepath.Join(a.config.Data, name)
	if !a.clock.heard.Load() { // asking again would only cost the start some more seconds
		return keptSecret(file)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	secret, err := agreedSecret(ctx, a.store.log, key)
	if core.CodeOf(err) == core.CodeUnavailable {
		return keptSecret(file)
	}
	if err != nil {
		return nil, err
	}
	return secret, os.WriteFile(file, secret, 0o600)
}

func keptSecret(file string) ([]byte, error) {
	kept, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(kept) != secretBytes {
		return newSecret()
	}
	return kept, err
}

func agreedSecret(ctx context.Context, log core.Log, key string) ([]byte, error) {
	if kv, err := log.Get(ctx, key); core.CodeOf(err) != core.CodeNotFound {
		return kv.Value, err
	}
	value, err := newSecret()
	if err != nil {
		return nil, err
	}
	_, err = log.Set(ctx, core.KV{Key: key, Value: value})
	if core.CodeOf(err) != core.CodeConflict {
		return value, err
	}
	kv, err := log.Get(ctx, key)
	return kv.Value, err
}

func newSecret() ([]byte, error) {
	key := make([]byte, secretBytes)
	_, err := rand.Read(key)
	return key, err
}
