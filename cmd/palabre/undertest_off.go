//go:build !failpoint

package main

import "github.com/palabre-cms/palabre/core/plugin"

// underTest are the plugins that system tests have in the program: none in one that is built for people.
func underTest() []plugin.Plugin { return nil }
