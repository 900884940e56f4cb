package app

import (
	"net/http"

	"github.com/palabre-cms/palabre/core/internal/httpapi"
)

// Bare is a handler that writes bodies by their path and does nothing else: what measurements are set against.
func Bare(bodies map[string][]byte) http.Handler { return httpapi.Bare(bodies) }
