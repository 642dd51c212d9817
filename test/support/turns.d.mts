export function turns(milliseconds: number, over?: () => boolean): Promise<void>;
