// What this browser keeps of a person's choices. Storage may be off or full, or hold what an older page wrote: then a
// choice lasts as long as the page.

export function kept(key) {
  try {
    return JSON.parse(localStorage.getItem(key));
  } catch {
    return null;
  }
}

export function keep(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // See above.
  }
}
