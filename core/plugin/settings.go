package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"

	"github.com/palabre-cms/palabre/core"
)

// Settings are a plugin's settings as a value of its own. The zero value of T is what they are without any; defaults are the
// manifest's schema's to say.
type Settings[T any] struct{ now atomic.Pointer[T] }

// Get gives the settings as they are now. What is behind it is not to be changed.
func (s *Settings[T]) Get() T {
	if v := s.now.Load(); v != nil {
		return *v
	}
	var zero T
	return zero
}

// Configure registers a plugin's settings, which the schema of its manifest describes. They are decoded strictly into T when
// the plugin starts and whenever they change; check may refuse what a schema cannot say, or be nil.
func Configure[T any](r *Registry, check func(T) error) *Settings[T] {
	s := &Settings[T]{}
	r.SetUp = append(r.SetUp, func(settings json.RawMessage) (func(), error) {
		v, err := decoded[T](settings)
		if err != nil {
			return nil, err
		}
		if check != nil {
			if err := check(*v); err != nil {
				return nil, err
			}
		}
		return func() { s.now.Store(v) }, nil
	})
	return s
}

func decoded[T any](settings json.RawMessage) (*T, error) {
	v := new(T)
	d := json.NewDecoder(bytes.NewReader(settings))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return nil, fmt.Errorf("the settings cannot be read: %w", err)
	}
	return v, nil
}

// Change is a change of a plugin's settings that somebody asks for.
type Change[T any] struct {
	Was, Is T
	By      *core.Principal
	Host    Host // the plugin may be off
}

// Fits registers what may refuse a change because of the site as it is now: the types and fields that the settings name, say.
// It is asked when somebody changes them and never when the plugin starts, so that a type that goes away turns no plugin off;
// what stood in Was should pass, for the same reason. It changes nothing.
func Fits[T any](r *Registry, fits func(ctx context.Context, c Change[T]) error) {
	r.Registered.Fits = append(r.Registered.Fits, func(ctx context.Context, h Host, by *core.Principal, was, is json.RawMessage) error {
		before, err := decoded[T](was)
		if err != nil { // a binary with other settings wrote them: all of it is new
			before = new(T)
		}
		after, err := decoded[T](is)
		if err != nil {
			return err
		}
		return fits(ctx, Change[T]{Was: *before, Is: *after, By: by, Host: h})
	})
}
