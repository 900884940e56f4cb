// Runs as soon as it is there: an address that says where to look is not answered with the picture of the whole country.
if (location.hash) document.documentElement.dataset.placed = '';
