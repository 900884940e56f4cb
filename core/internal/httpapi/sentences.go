package httpapi

import (
	"net/http"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// titleOf names a status in both languages.
func titleOf(status int) core.Text {
	switch status {
	case http.StatusBadRequest:
		return core.Text{"en": "The request cannot be read", "fr": "La requête ne peut pas être lue"}
	case http.StatusUnauthorized:
		return core.Text{"en": "Sign in first", "fr": "Identifiez-vous d’abord"}
	case http.StatusForbidden:
		return core.Text{"en": "Not allowed", "fr": "Non autorisé"}
	case http.StatusNotFound:
		return core.Text{"en": "Not found", "fr": "Introuvable"}
	case http.StatusMethodNotAllowed:
		return core.Text{"en": "Method not allowed here", "fr": "Méthode non permise ici"}
	case http.StatusRequestTimeout:
		return core.Text{"en": "The request came in too slowly", "fr": "La requête est arrivée trop lentement"}
	case http.StatusConflict:
		return core.Text{"en": "Conflict", "fr": "Conflit"}
	case http.StatusPreconditionFailed:
		return core.Text{"en": "The entry has changed", "fr": "Le contenu a changé"}
	case http.StatusPreconditionRequired:
		return core.Text{"en": "Say which revision you change", "fr": "Indiquez la révision que vous modifiez"}
	case http.StatusRequestEntityTooLarge:
		return core.Text{"en": "Too large", "fr": "Trop volumineux"}
	case http.StatusRequestURITooLong:
		return core.Text{"en": "The address is too long", "fr": "L’adresse est trop longue"}
	case http.StatusUnsupportedMediaType:
		return core.Text{"en": "Media type not supported", "fr": "Type de média non accepté"}
	case http.StatusUnprocessableEntity:
		return core.Text{"en": "The content is not valid", "fr": "Le contenu n’est pas valide"}
	case http.StatusTooManyRequests:
		return core.Text{"en": "Too many requests", "fr": "Trop de requêtes"}
	case http.StatusServiceUnavailable:
		return core.Text{"en": "Not available for now", "fr": "Indisponible pour le moment"}
	case http.StatusGatewayTimeout:
		return core.Text{"en": "It took too long", "fr": "Le délai est dépassé"}
	case statusClientGone:
		return core.Text{"en": "The caller has left", "fr": "Le client est parti"}
	default:
		return core.Text{"en": "Something went wrong", "fr": "Une erreur est survenue"}
	}
}

func noSuchPage() error {
	return core.Refuse(core.CodeNotFound, "", "There is nothing at this address.", "Il n’y a rien à cette adresse.")
}

func badToken() error {
	return core.Refuse(core.CodeUnauthenticated, "", "The API token is unknown, expired or revoked. Send it as “Authorization: Bearer pal_…”.",
		"Le jeton d’API est inconnu, expiré ou révoqué. Envoyez-le ainsi : « Authorization: Bearer pal_… ».")
}

func busy() error {
	return retryAfter(core.Refuse(core.CodeUnavailable, "", "The server is busy. Ask again in a moment.",
		"Le serveur est occupé. Réessayez dans un instant."), time.Second)
}

func tooLongURL() error {
	return as(http.StatusRequestURITooLong, core.Refuse(core.CodeTooLarge, "", "The address is longer than 8 KB. Send the query as a body to POST /api/v1/content/{type}/query.",
		"L’adresse dépasse 8 Ko. Envoyez la requête dans un corps à POST /api/v1/content/{type}/query."))
}
