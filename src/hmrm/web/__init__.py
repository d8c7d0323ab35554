"""``hmrm serve``: a page in the browser where the events of videos are reviewed to the frame."""
