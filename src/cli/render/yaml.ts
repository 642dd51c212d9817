/** Apart, so that the package is read only where YAML is wanted; a bundled `import("yaml")` has no names. */
export { stringify } from "yaml";
