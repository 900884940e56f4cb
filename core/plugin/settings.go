package plugin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync/atomic"
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
		var v T
		d := json.NewDecoder(bytes.NewReader(settings))
		d.DisallowUnknownFields()
		if err := d.Decode(&v); err != nil {
			return nil, fmt.Errorf("the settings cannot be read: %w", err)
		}
		if check != nil {
			if err := check(v); err != nil {
				return nil, err
			}
		}
		return func() { s.now.Store(&v) }, nil
	})
	return s
}
