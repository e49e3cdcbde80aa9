import type { components, paths } from "./schema";

type Item = components["schemas"]["ItemRead"];
type Page = paths["/api/v1/items"]["get"]["responses"][200]["content"]["application/json"];
type Problem = paths["/api/v1/items"]["post"]["responses"][409]["content"]["application/json"];
type Upload = paths["/api/v1/files"]["post"]["requestBody"]["content"]["multipart/form-data"];
type Content = paths["/api/v1/files/{file_id}/content"]["get"]["responses"][200]["content"];

export function newest(page: Page): Item | undefined {
  return page.items[0];
}

export function explain(problem: Problem): string {
  return `${problem.error.code}: ${problem.error.message}`;
}

// The generator types binary content as string; its documentation has a transform to Blob.
const blob = new Blob(["%PDF"]) as unknown as string;
export const upload: Upload = { file: blob };
export const content: Content["image/png"] = blob;

// @ts-expect-error: a description may be null, a name may not.
export const nameless: components["schemas"]["ItemCreate"] = { name: null };
