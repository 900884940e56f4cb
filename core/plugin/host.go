package plugin

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Host is the node as a plugin sees it. All of it acts for somebody: who asks is named at each call, and gets what his rights
// allow.
type Host interface {
	// Types are the content types.
	Types() core.Types
	// Reader answers as the HTTP API does.
	Reader() core.Reader
	// Places answers with places, for maps.
	Places() core.Mapper
	// Position is how far this node has followed the log, and Wait returns when it has come to a position.
	Position() core.Position
	Wait(ctx context.Context, p core.Position) error
	// Version rises whenever an answer about a type may have changed. "" is any type.
	Version(name core.TypeName) uint64
	// Write performs operations as the HTTP API does: rights, hooks and all. Within a hook, ctx must be the one that the hook
	// was given: writes that lead to writes are counted, and end at the fifth.
	Write(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error)
	// Own calls f with every entry of a content type that the plugin brings, as it stands now, trash included: what a plugin keeps
	// in entries is its own to read. CodeForbidden for any other type.
	Own(ctx context.Context, name core.TypeName, f func(e *core.Entry) error) error
	// Elevate gives somebody who may do everything, for what the plugin must do on its own behalf. The manifest must ask for
	// it (CodeForbidden otherwise), and the reason goes into the audit trail.
	Elevate(ctx context.Context, reason string) (*core.Principal, error)
	// Store keeps the plugin's own data.
	Store() Store
	// View reads one of the plugin's views.
	View(name string) Rows
	// Seal encrypts a secret for the Store, and Unseal gives it back: CodeConflict with the reason "sealed" for one that was sealed
	// by another site, as before a restore elsewhere. Backups hold what is sealed, and not the key.
	Seal(secret []byte) (string, error)
	Unseal(sealed string) ([]byte, error)
	// HTTP connects to other servers: through the node's rules against reaching inside, and to the hosts of the manifest alone.
	HTTP() *http.Client
	// Log writes to the node's log, with the plugin's name.
	Log() *slog.Logger
	// Now is the store's time, and the one to go by.
	Now() time.Time
	// Go runs f until it returns or the plugin is stopped, which ctx tells. A panic in it is a failure of the plugin.
	Go(f func(ctx context.Context))
	// Serving reports whether this is a node that serves. It is none in a command of the command line, which works on the store for
	// a moment: the plugin is started so that its handlers take part, and nothing that lasts should begin.
	Serving() bool
	// PublicURL is where the world reaches this site, without a slash at the end; "" when it is not configured.
	PublicURL() string
	// DataDir is a directory of the plugin's own on this node, for what can be made anew.
	DataDir() (string, error)
}

// Store is a plugin's own data: small values by key, the same on every node. Nobody else sees them.
type Store interface {
	// Get gives a value and its version; CodeNotFound for one that is not there, or no longer.
	Get(ctx context.Context, key string) (value []byte, version int64, err error)
	// Put writes a value, whatever was there. A zero expires never does. CodeTooLarge beyond the quota of the manifest.
	Put(ctx context.Context, key string, value []byte, expires time.Time) error
	// Swap writes a value if the one that is there has this version (0: none), and gives the new one; CodeConflict otherwise.
	Swap(ctx context.Context, key string, value []byte, version int64, expires time.Time) (int64, error)
	// Delete takes a value away; one that is not there is no error.
	Delete(ctx context.Context, key string) error
	// Keys lists the keys with a prefix, sorted.
	Keys(ctx context.Context, prefix string) ([]string, error)
}
